import ModelGraph

extension OperatorImport {
  /// Functions of two elements, and of more in a row.
  static let binaryOperators: [String: OperatorImport] = [
    "Add": binary(.add), "Sub": binary(.subtract), "Mul": binary(.multiply), "Div": binary(.divide),
    "Pow": binary(.power), "Equal": equal, "Less": binary(.less),
    "Greater": binary(.greater), "LessOrEqual": binary(.lessOrEqual, since: 12),
    "GreaterOrEqual": binary(.greaterOrEqual, since: 12), "And": binary(.and), "Or": binary(.or),
    "Xor": binary(.exclusiveOr),
    "PRelu": OperatorImport(2...2) { try $0.emit(.binary(.parametricRelu), try $0.slopeOperands()) },
    "BitwiseAnd": binary(.bitwiseAnd, since: 18),
    "BitwiseOr": binary(.bitwiseOr, since: 18), "BitwiseXor": binary(.bitwiseXor, since: 18),
    "BitShift": OperatorImport(2...2, since: 11) { node in
      let directions: [String: BinaryFunction] = ["LEFT": .shiftLeft, "RIGHT": .shiftRight]
      try node.emit(.binary(try node.choice("direction", default: "", directions)), node.operands)
    },
    "Mod": OperatorImport(2...2, since: 10) { node in
      try node.emit(.binary(try node.flag("fmod") ? .remainder : .modulo), node.operands)
    },
    "Sum": OperatorImport(1...Int.max) { node in
      let operands = try node.operands.indices.map(node.operand)
      guard operands.count > 2 else { return try variadic(.add).lower(node) }
      try node.emitInFloats(operands) { operands in
        (.binary(.add), [node.chain(.add, operands.dropLast()), operands[operands.count - 1]])
      }
    },
    "Max": variadic(.maximum), "Min": variadic(.minimum),
    "Mean": OperatorImport(1...Int.max) { node in
      let operands = try node.operands.indices.map(node.operand)
      guard operands.count > 1 else { return try node.emit(.identity, [operands[0]]) }
      try node.emitInFloats(operands) { operands in
        let count = try node.constant(Double(operands.count), like: operands[0], "count")
        return (.binary(.divide), [node.chain(.add, operands), count])
      }
    },
    "Where": OperatorImport(3...3, since: 9) { try $0.emit(.select, $0.operands) },
  ]

  static func binary(_ function: BinaryFunction, since: Int = 1) -> OperatorImport {
    OperatorImport(2...2, since: since) { node in
      try node.emit(.binary(function), try node.broadcastOperands())
    }
  }

  private static let equal = OperatorImport(2...2) { node in
    let areTexts = node.operands.contains { node.elementType($0) == .string }
    try node.emit(areTexts ? .stringEqual : .binary(.equal), try node.broadcastOperands())
  }

  private static func variadic(_ function: BinaryFunction) -> OperatorImport {
    OperatorImport(1...Int.max) { node in
      let operands = try node.operands.indices.map(node.operand)
      guard let last = operands.dropFirst().last else { return try node.emit(.identity, operands) }
      try node.emit(.binary(function), [node.chain(function, operands.dropLast()), last])
    }
  }
}

extension NodeImport {
  /// `function` of all operands from left to right.
  fileprivate func chain(_ function: BinaryFunction, _ operands: [ValueID]) -> ValueID {
    operands.dropFirst().enumerated().reduce(operands[0]) { result, next in
      intermediate(.binary(function), [result, next.element], "\(function.rawValue)\(next.offset)")
    }
  }
}
