import ModelGraph
import Tensors

extension OperatorImport {
  /// Conversions of element types.
  static let castOperators: [String: OperatorImport] = [
    "Cast": OperatorImport(1...1) { node in
      let type = try node.opset < 6 ? node.namedElementType() : node.targetType()
      try node.emitCast(to: type)
    },
    "CastLike": OperatorImport(2...2, since: 15) { node in
      guard let type = node.elementType(try node.operand(1)) else {
        throw NodeImport.UnsupportedForm(reason: "the type to cast to cannot be told from the file")
      }
      try node.emitCast(to: type)
    },
    "BitCast": OperatorImport(1...1, since: 26) { node in
      let type = try node.targetType()
      if type.isHandle { throw node.malformed("casts bits to \(type)") }
      if let source = node.elementType(try node.operand(0)), source.bitWidth != type.bitWidth {
        throw node.malformed("casts the bits of \(source) to \(type), which is not as wide")
      }
      try node.emit(.bitCast(type), node.operands)
    },
  ]
}

extension NodeImport {
  /// The type that the attribute `to` names.
  fileprivate func targetType() throws -> ElementType {
    guard let number = try integer("to") else { throw malformed("lacks the attribute 'to'") }
    return try elementType(number: number)
  }

  /// The element type of this number in an attribute.
  func elementType(number: Int) throws -> ElementType {
    do { return try TensorDecoding.elementType(number, malformed: malformed) } catch let unsupported
      as TensorDecoding.UnsupportedType
    { throw UnsupportedForm(reason: "to \(unsupported.name)") }
  }

  /// Makes the node that converts the operand. Texts are parsed and written by an operator of their own.
  fileprivate func emitCast(to type: ElementType) throws {
    let x = try operand(0)
    let rounding = try rounding(to: type)
    let source = elementType(x)
    if type == .string { return try emit(source == .string ? .identity : .stringCast(.string), [x]) }
    guard source == .string else { return try emit(.cast(type, rounding), [x]) }
    // Small floats are rounded from a float.
    guard type.isSmallFloat || type.isPacked else { return try emit(.stringCast(type), [x]) }
    let wide: ElementType = type.isSmallFloat ? .float32 : .int64
    try emit(.cast(type, rounding), [intermediate(.stringCast(wide), [x], "numbers")])
  }

  /// The rounding that the attributes ask for; they concern only the float types of eight bits.
  fileprivate func rounding(to type: ElementType) throws -> SmallFloatRounding {
    let saturates = try flag("saturate", default: true)
    let powers = try choice(
      "round_mode", default: "up", ["up": SmallFloatRounding.Powers.up, "down": .down, "nearest": .nearest])
    switch type {
    case .float8E4M3FN, .float8E4M3FNUZ, .float8E5M2, .float8E5M2FNUZ:
      return SmallFloatRounding(saturates: saturates)
    case .float8E8M0: return SmallFloatRounding(saturates: saturates, powers: powers)
    default: return .standard
    }
  }
}
