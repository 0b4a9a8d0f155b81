import ModelGraph
import Tensors

extension OperatorImport {
  /// Products with quantised weights of ONNX Runtime (`com.microsoft`).
  static let microsoftProductOperators: [String: OperatorImport] = [
    "DynamicQuantizeMatMul": OperatorImport(3...5) { node in
      let a = node.quantizedDynamically(try node.operand(0))
      try node.emitProduct(
        a.integers, try node.operand(1), scales: [a.scale, try node.operand(2)],
        zeros: [a.zeroPoint, node.optional(3)],
        bias: node.optional(4))
    },
    "MatMulIntegerToFloat": OperatorImport(4...7) { node in
      let zero = try node.optional(4).map { try node.rowZeroPoint($0) }
      try node.emitProduct(
        try node.operand(0), try node.operand(1),
        scales: [
          try node.singleNumber(try node.operand(2), "scale of the left matrix"), try node.operand(3),
        ], zeros: [zero, node.optional(5)], bias: node.optional(6))
    },
    "QGemm": OperatorImport(6...9, quantizedGemm),
    "MatMulNBits": OperatorImport(3...6) { node in
      node.ignore("accuracy_level")
      guard node.optional(4) == nil else { throw NodeImport.UnsupportedForm(reason: "g_idx") }
      let bits = try node.integer("bits", in: 1...8, default: 4)
      guard bits == 4 || bits == 8 else { throw NodeImport.UnsupportedForm(reason: "\(bits) bits") }
      let largest = NodeImport.largest
      let block = BlockDequantize(
        bits: bits, blockSize: try node.integer("block_size", in: 1...largest),
        rows: try node.integer("N", in: 1...largest), columns: try node.integer("K", in: 1...largest))
      let weights = node.intermediate(
        .blockDequantize(block), [try node.operand(1), try node.operand(2), node.optional(3)], "weights")
      try node.emit(
        .matrixMultiply(MatrixMultiply(transposeB: true)), [try node.operand(0), weights, node.optional(5)])
    },
    "DynamicQuantizeLSTM": OperatorImport(3...12) { node in
      let recurrent = try longShortTermMemory(
        node, hidden: node.knownSize(1, of: try node.operand(2)))
      var operands = [ValueID?]()
      for index in 0..<8 { operands.append(node.optional(index)) }
      if DynamicLSTM.supports(recurrent), node.optional(7) == nil, node.hasCentredWeights(1, zero: 9),
        node.hasCentredWeights(2, zero: 11)
      {
        let weights = [(1, "inputWeights"), (2, "recurrentWeights")].map { index, suffix in
          node.intermediate(.transpose(permutation: [0, 2, 1]), [node.optional(index)], suffix)
        }
        operands.replaceSubrange(1...2, with: weights.map { Optional($0) })
        operands.replaceSubrange(7...7, with: [try node.operand(8), try node.operand(10)])
        return try node.emit(.dynamicLSTM(recurrent), operands)
      }
      operands[1] = try node.recurrentWeights(1, scale: 8, "input")
      operands[2] = try node.recurrentWeights(2, scale: 10, "recurrence")
      try node.emit(.lstm(recurrent), operands)
    },
  ]
}

extension OperatorImport {
  /// `alpha · (a · b + c)`, whose c has the step of the sums, quantised if the result has a scale.
  fileprivate static func quantizedGemm(_ node: NodeImport) throws {
    let (transposeA, transposeB) = (try node.flag("transA"), try node.flag("transB"))
    let alpha = try node.float("alpha", default: 1)
    let bias = node.optional(6)
    if let bias {
      guard node.isRow(bias) else { throw NodeImport.UnsupportedForm(reason: "a bias that is no vector") }
    }
    let leftScale = try node.singleNumber(try node.operand(1), "scale of the left matrix")
    var scale = node.intermediate(.binary(.multiply), [leftScale, try node.operand(4)], "scale")
    if alpha != 1 {
      scale = node.intermediate(
        .binary(.multiply), [scale, try node.constant(alpha, like: scale, "alpha")], "alphaScale")
    }
    var zeroB = try node.operand(5)
    if transposeB, !node.isOneNumber(zeroB) { zeroB = try node.column(zeroB) }
    var operands: [ValueID?] = [
      try node.operand(0), try node.operand(3), try node.operand(2), zeroB, bias, scale,
    ]
    var result = ProductResult.floats
    if let step = node.optional(7) {
      guard let zero = node.optional(8) else {
        throw NodeImport.UnsupportedForm(reason: "a quantised result without a zero point")
      }
      result = try node.levels(8)
      operands[5] = node.intermediate(
        .binary(.divide), [scale, try node.singleNumber(step, "scale")], "ratio")
      operands.append(zero)
    }
    try node.emit(
      .integerMatrixMultiply(
        IntegerMatrixMultiply(transposeA: transposeA, transposeB: transposeB, result: result)), operands)
  }
}

extension NodeImport {
  /// Makes the file's result: the product of integers times both scales, and a bias.
  fileprivate func emitProduct(
    _ a: ValueID, _ b: ValueID, scales: [ValueID], zeros: [ValueID?], bias: ValueID?
  ) throws {
    let scale = intermediate(.binary(.multiply), [scales[0], scales[1]], "scale")
    let op = Op.integerMatrixMultiply(IntegerMatrixMultiply(result: .floats))
    let operands = [a, b] + zeros + [nil, scale]
    guard let bias else { return try emit(op, operands) }
    try emit(.binary(.add), [intermediate(op, operands, "product"), bias])
  }

  /// True for `int8` weights that are quantised around 0.
  fileprivate func hasCentredWeights(_ index: Int, zero: Int) -> Bool {
    guard let weights = optional(index), elementType(weights) == .int8, let zeros = optional(zero),
      elementType(zeros) == .int8
    else { return false }
    return tensor(zeros)?.integers?.allSatisfy { $0 == 0 } ?? false
  }

  /// The weights of a recurrence, which ONNX Runtime keeps transposed, as floats. Scale and zero point are one number or one for
  /// each gate and unit, by direction.
  fileprivate func recurrentWeights(_ index: Int, scale: Int, _ suffix: String) throws -> ValueID {
    let shape = try constant([0, 1, -1], "\(suffix)Shape")
    func spread(_ index: Int, _ name: String) throws -> ValueID {
      let id = try operand(index)
      guard let rank = rank(id), (1...2).contains(rank) else {
        throw UnsupportedForm(reason: "a scale or zero point whose rank is not 1 or 2")
      }
      let number =
        elementType(id) == .float32 ? id : intermediate(.cast(.float32), [id], "\(suffix)\(name)Number")
      return intermediate(.reshape(allowZero: false), [number, shape], "\(suffix)\(name)")
    }
    let number = intermediate(.cast(.float32), [try operand(index)], "\(suffix)Number")
    let centred = intermediate(
      .binary(.subtract), [number, try spread(scale + 1, "Zero")], "\(suffix)Centred")
    let scaled = intermediate(.binary(.multiply), [centred, try spread(scale, "Scale")], "\(suffix)Scaled")
    return intermediate(.transpose(permutation: [0, 2, 1]), [scaled], suffix)
  }
}
