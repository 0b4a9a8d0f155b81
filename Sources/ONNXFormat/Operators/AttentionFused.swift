import ModelGraph
import Tensors

extension OperatorImport {
  /// Operators that onnxruntime's optimiser puts in the place of several (`com.microsoft`).
  static let microsoftFusedOperators: [String: OperatorImport] = [
    "QuickGelu": OperatorImport(1...1) { node in
      let alpha = try node.float("alpha", default: 1.702)
      try node.emitInFloats([try node.operand(0)]) { operands in
        (.identity, [try node.swish(operands[0], alpha: alpha)])
      }
    },
    "FusedConv": OperatorImport(2...4, fusedConvolution),
    "FusedMatMul": OperatorImport(2...2, fusedMatrixMultiply),
    "GroupNorm": OperatorImport(3...3, groupNorm),
  ]

  /// x, w, bias, and a term that is added before the activation.
  private static func fusedConvolution(_ node: NodeImport) throws {
    let op = Op.convolution(try node.convolutionWindow())
    let parameters = try node.floats("activation_params")?.map { Double($0) } ?? []
    let activation = try activation(node, parameters)
    let operands = [try node.operand(0), try node.operand(1), node.optional(2)]
    if activation == nil, node.optional(3) == nil { return try node.emit(op, operands) }
    var result = node.intermediate(op, operands, "convolution")
    if let term = node.optional(3) {
      guard activation != nil else { return try node.emit(.binary(.add), [result, term]) }
      result = node.binary(.add, result, term, "sum")
    }
    try node.emit(activation.map { .unary($0) } ?? .identity, [result])
  }

  private static func activation(_ node: NodeImport, _ parameters: [Double]) throws -> UnaryFunction? {
    func parameter(_ index: Int) throws -> Double {
      guard parameters.indices.contains(index) else {
        throw node.malformed("lacks a parameter of its activation")
      }
      return parameters[index]
    }
    switch try node.text("activation") {
    case nil, "": return nil
    case "Relu": return .relu
    case "Tanh": return .tanh
    case "Sigmoid": return .sigmoid
    case "LeakyRelu": return .leakyRelu(slope: try parameter(0))
    case "Clip": return .clip(minimum: try parameter(0), maximum: try parameter(1))
    case "HardSigmoid": return .hardSigmoid(alpha: try parameter(0), beta: try parameter(1))
    case let name?: throw NodeImport.UnsupportedForm(reason: "activation '\(shown(name))'")
    }
  }

  /// A product whose operands may have their rows first, before the batch.
  private static func fusedMatrixMultiply(_ node: NodeImport) throws {
    let operands = try zip([0, 1], ["transBatchA", "transBatchB"]).map { index, attribute in
      let x = try node.operand(index)
      guard try node.flag(attribute) else { return x }
      guard let rank = node.rank(x) else {
        throw NodeImport.UnsupportedForm(reason: "\(attribute) = 1 of a value whose rank is not known")
      }
      guard rank > 2 else { return x }
      return node.intermediate(
        .transpose(permutation: Array(1..<rank - 1) + [0, rank - 1]), [x], attribute)
    }
    try node.emit(
      .matrixMultiply(
        MatrixMultiply(
          transposeA: try node.flag("transA"), transposeB: try node.flag("transB"),
          alpha: try node.float("alpha", default: 1))), operands)
  }

  /// Group normalisation of images whose channels are last, and SiLU if asked for.
  private static func groupNorm(_ node: NodeImport) throws {
    let groups = try node.integer("groups", in: 1...NodeImport.largest)
    let op = Op.groupNormalization(groups: groups, epsilon: try node.float("epsilon", default: 1e-5))
    let isLast = try node.flag("channels_last", default: true)
    let isActive = try node.integer("activation", in: 0...1, default: 0) == 1
    let (own, wide) = try node.realTypes(of: try node.operand(0))
    if let rank = node.rank(try node.operand(0)), rank != 4 {
      throw node.malformed("has an operand of \(rank) axes; it takes 4")
    }
    var operands = try (0..<3).map { node.converted(try node.operand($0), to: wide, "wide\($0)") }
    if isLast {
      operands[0] = node.intermediate(.transpose(permutation: [0, 3, 1, 2]), [operands[0]], "channelsFirst")
    }
    var result = node.intermediate(op, operands, "normalized")
    if isActive { result = node.intermediate(.unary(.silu), [result], "activated") }
    if isLast { result = node.intermediate(.transpose(permutation: [0, 2, 3, 1]), [result], "channelsLast") }
    try node.emit(result: 0, result, as: own)
  }
}
