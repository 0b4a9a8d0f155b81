import Tensors

/// ONNX `SequenceAt`: a sequence, and the position of an element. Without a position, `OptionalGetElement` of an optional
/// tensor.
package struct SequenceAt: Operator {
  package static let name = "sequence_at"
  package static let signature = Signature(.data("sequence"), .optional(.data("position")))
  package static let family = OperatorFamily.control
  package static let takesSequences = true
  package static let resultSizesDependOnData = true

  package static var coding: Coding<Self> { Coding(Self()) }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    try node.checkPosition(1)
    return [try node.contents(0).map { Fact($0.elementType, $0.dimensions) }]
  }
}

extension Op {
  package static var sequenceAt: Op { Op(SequenceAt()) }
}
