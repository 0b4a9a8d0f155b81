import ModelGraph

extension OperatorImport {
  /// Operators of ONNX Runtime (`com.microsoft`): plain arithmetic.
  static let microsoftOperators: [String: OperatorImport] = [
    "Gelu": unary(.gelu(approximate: false)),
    "BiasGelu": OperatorImport(2...2) { node in
      let sum = node.intermediate(.binary(.add), node.operands, "biased")
      try node.emit(.unary(.gelu(approximate: false)), [sum])
    },
    "FastGelu": OperatorImport(1...2) { node in
      var x = try node.operand(0)
      if let bias = node.optional(1) { x = node.intermediate(.binary(.add), [x, bias], "biased") }
      try node.emit(.unary(.gelu(approximate: true)), [x])
    },
    "Inverse": OperatorImport(1...1) { try $0.emit(.inverse, $0.operands) },
  ]
}
