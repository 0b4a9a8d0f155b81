import ModelGraph
import Tensors

extension OperatorImport {
  /// Functions of quantised values of ONNX Runtime (`com.microsoft`): of their floats, which are quantised again.
  ///
  /// ONNX Runtime computes some of them in another order, and may then round to the neighbouring level.
  static let microsoftQuantizationOperators: [String: OperatorImport] = [
    "QLinearAdd": quantizedBinary(.add), "QLinearMul": quantizedBinary(.multiply),
    "QLinearSigmoid": quantizedUnary { _ in .unary(.sigmoid) },
    "QLinearLeakyRelu": quantizedUnary { node in
      .unary(.leakyRelu(slope: try node.float("alpha", default: 0.01)))
    },
    "QLinearConcat": OperatorImport(5...Int.max) { node in
      // The last zero point may be left out.
      guard node.operands.count % 3 != 0 else {
        throw node.malformed("has operands that are not triples behind scale and zero point")
      }
      let parts = try stride(from: 2, to: node.operands.count, by: 3).map { index in
        try node.dequantized(index, "part\(index / 3)")
      }
      let joined = node.intermediate(.concat(axis: try node.integer("axis", default: 0)), parts, "joined")
      try node.emitQuantized(joined, scale: 0, like: try node.operand(2))
    },
    "QLinearSoftmax": OperatorImport(4...5) { node in
      let axis = try node.integer("axis", default: -1)
      // Before opset 13 of ONNX the axes from this one on are one.
      if try node.integer("opset", default: 13) < 13,
        node.rank(try node.operand(0)).map({ axis != $0 - 1 && axis != -1 }) ?? (axis != -1)
      {
        throw NodeImport.UnsupportedForm(reason: "over several axes")
      }
      let result = node.intermediate(.softmax(axis: axis), [try node.dequantized(0, "numbers")], "softmax")
      try node.emitQuantized(result, scale: 3, like: try node.operand(0))
    },
    "QLinearGlobalAveragePool": quantizedPool { _ in
      Pool(kind: .average, window: nil, strides: [], dilations: [], padding: .explicit([]))
    },
    "QLinearAveragePool": quantizedPool { node in
      try node.pool(try node.flag("count_include_pad") ? .averageIncludingPadding : .average)
    },
    "NhwcMaxPool": OperatorImport(1...1) { node in
      let pool = try node.pool(.maximum)
      let x = try node.operand(0)
      let first = try node.channelsFirst(x, axes: pool.window?.count)
      let pooled = node.intermediate(.pool(pool), [first.value], "pooled")
      try node.emit(.transpose(permutation: first.back), [pooled])
    },
  ]

  private static func quantizedBinary(_ function: BinaryFunction) -> OperatorImport {
    OperatorImport(7...8) { node in
      let result = node.intermediate(
        .binary(function), [try node.dequantized(0, "left"), try node.dequantized(3, "right")], "result")
      try node.emitQuantized(result, scale: 6, like: try node.operand(0))
    }
  }

  private static func quantizedUnary(_ op: @escaping @Sendable (NodeImport) throws -> Op) -> OperatorImport {
    OperatorImport(4...5) { node in
      let result = node.intermediate(try op(node), [try node.dequantized(0, "numbers")], "result")
      try node.emitQuantized(result, scale: 3, like: try node.operand(0))
    }
  }

  private static func quantizedPool(_ pool: @escaping @Sendable (NodeImport) throws -> Pool) -> OperatorImport
  {
    OperatorImport(4...5) { node in
      let pool = try pool(node)
      let x = try node.operand(0)
      let numbers = try node.dequantized(0, "numbers")
      guard try node.flag("channels_last") else {
        let pooled = node.intermediate(.pool(pool), [numbers], "pooled")
        return try node.emitQuantized(pooled, scale: 3, like: x)
      }
      let first = try node.channelsFirst(numbers, axes: pool.window?.count)
      let pooled = node.intermediate(.pool(pool), [first.value], "pooled")
      let last = node.intermediate(.transpose(permutation: first.back), [pooled], "channelsLast")
      try node.emitQuantized(last, scale: 3, like: x)
    }
  }
}

extension NodeImport {
  /// An image whose channels are its last axis, with its channels as axis 1, and the permutation that moves them back.
  fileprivate func channelsFirst(_ x: ValueID, axes: Int?) throws -> (value: ValueID, back: [Int]) {
    guard let rank = axes.map({ $0 + 2 }) ?? rank(x), rank >= 3 else {
      throw UnsupportedForm(reason: "of a value whose rank cannot be told from the file")
    }
    let value = intermediate(
      .transpose(permutation: [0, rank - 1] + (1..<rank - 1)), [x], "channelsFirst")
    return (value, [0] + (2..<rank) + [1])
  }
}
