import Tensors

/// Operands that are sequences.
extension NodeTyping {
  /// Checks that no operand is a sequence unless the operator takes them. Post-ops never do.
  func checkSequences() throws(GraphError) {
    let own = Swift.type(of: node.op.base).takesSequences ? [] : operands
    for operand in own + postOpOperands where operand?.type.elementType == .sequence {
      throw failure("it takes no sequence")
    }
  }

  /// The contents of an operand that must be a sequence, as far as they are known.
  func contents(_ index: Int) throws(GraphError) -> SequenceContents? {
    guard let type = type(index) else { return nil }
    guard type.elementType == .sequence else { throw failure("operand \(index) is \(type), not a sequence") }
    return type.contents
  }

  /// Checks that an operand, where it is known, is a tensor.
  func checkTensor(_ index: Int) throws(GraphError) {
    if elementType(index) == .sequence { throw failure("operand \(index) is a sequence") }
  }

  /// Checks that an operand, where it is known, is one integer.
  func checkPosition(_ index: Int) throws(GraphError) {
    try checkInteger(index, "position")
    if let count = type(index)?.shape?.elementCount, count != 1 {
      throw failure("its position has \(count) elements")
    }
  }

  /// The contents that are either of `known` or like the operand at `index`.
  func contents(_ known: SequenceContents?, with index: Int) throws(GraphError) -> SequenceContents? {
    try checkTensor(index)
    guard let type = type(index) else {
      return known.map { SequenceContents($0.elementType, nil, isOptional: $0.isOptional) }
    }
    guard let known else { return SequenceContents(type.elementType, nil) }
    guard known.elementType == type.elementType else {
      throw failure("operand \(index) is \(type) where elements are \(known.elementType)")
    }
    return known.joined(
      with: SequenceContents(type.elementType, type.dimensions, isOptional: known.isOptional))
  }
}
