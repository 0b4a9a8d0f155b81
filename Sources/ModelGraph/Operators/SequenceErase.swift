import Tensors

/// ONNX `SequenceErase`: a sequence, and the position of an element (may be left out: the last one).
package struct SequenceErase: Operator {
  package static let name = "sequence_erase"
  package static let signature = Signature(.data("sequence"), .optional(.data("position")))
  package static let family = OperatorFamily.control
  package static let takesSequences = true
  package static let resultSizesDependOnData = true

  package static var coding: Coding<Self> { Coding(Self()) }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    try node.checkPosition(1)
    return [Fact(ValueType(sequence: try node.contents(0)))]
  }
}

extension Op {
  package static var sequenceErase: Op { Op(SequenceErase()) }
}
