import Tensors

/// ONNX `SequenceInsert`: a sequence, a tensor, and its position (may be left out: behind the last element).
package struct SequenceInsert: Operator {
  package static let name = "sequence_insert"
  package static let signature = Signature(
    .data("sequence"), .data("x"), .optional(.data("position")))
  package static let family = OperatorFamily.control
  package static let takesSequences = true
  package static let resultSizesDependOnData = true

  package static var coding: Coding<Self> { Coding(Self()) }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    try node.checkPosition(2)
    return [Fact(ValueType(sequence: try node.contents(try node.contents(0), with: 1)))]
  }
}

extension Op {
  package static var sequenceInsert: Op { Op(SequenceInsert()) }
}
