import Tensors

/// ONNX `ConcatFromSequence`: the elements of a sequence, one behind the other.
package struct SequenceConcat: Operator {
  package static let name = "sequence_concat"
  package static let signature = Signature(.data("sequence"))
  package static let family = OperatorFamily.control
  package static let takesSequences = true
  package static let resultSizesDependOnData = true

  package var axis: Int
  /// True if the axis is a new one.
  package var stacks: Bool

  package static var coding: Coding<Self> { Coding(Self.init, \.axis, \.stacks) }

  package var attributes: [PrintedAttribute] {
    [PrintedAttribute("axis", axis)] + (stacks ? [PrintedAttribute("stacks", "true")] : [])
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    guard let contents = try node.contents(0) else { return [nil] }
    guard var dimensions = contents.dimensions else { return [Fact(contents.elementType, nil)] }
    if stacks {
      dimensions.insert(.unknown, at: try node.normalized(axis, rank: dimensions.count + 1))
    } else {
      dimensions[try node.normalized(axis, rank: dimensions.count)] = .unknown
    }
    return [Fact(contents.elementType, dimensions)]
  }
}

extension Op {
  package static func sequenceConcat(axis: Int, stacks: Bool) -> Op {
    Op(SequenceConcat(axis: axis, stacks: stacks))
  }
}
