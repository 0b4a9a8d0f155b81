import Tensors

/// ONNX `SplitToSequence`: a tensor, and the sizes of its parts along an axis: a list, or the one size of all (the last part may
/// be smaller). Without sizes, parts of size 1.
package struct SequenceSplit: Operator {
  package static let name = "sequence_split"
  package static let signature = Signature(.data("x"), .optional(.data("sizes")))
  package static let family = OperatorFamily.control
  package static let resultSizesDependOnData = true

  package var axis: Int
  /// False if parts lose the axis; only without sizes.
  package var keepsAxis: Bool

  package static var coding: Coding<Self> { Coding(Self.init, \.axis, \.keepsAxis) }

  package var attributes: [PrintedAttribute] {
    [PrintedAttribute("axis", axis)] + (keepsAxis ? [] : [PrintedAttribute("keepsAxis", "false")])
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    try node.checkInteger(1, "sizes")
    if let rank = node.dimensions(1)?.count, rank > 1 { throw node.failure("its sizes have \(rank) axes") }
    guard let type = node.type(0) else { return [Fact(ValueType(sequence: nil))] }
    var dimensions = type.dimensions
    if let rank = dimensions?.count {
      let axis = try node.normalized(axis, rank: rank)
      if keepsAxis || node.has(1) { dimensions?[axis] = .unknown } else { dimensions?.remove(at: axis) }
    }
    return [Fact(ValueType(sequence: SequenceContents(type.elementType, dimensions)))]
  }
}

extension Op {
  package static func sequenceSplit(axis: Int, keepsAxis: Bool) -> Op {
    Op(SequenceSplit(axis: axis, keepsAxis: keepsAxis))
  }
}
