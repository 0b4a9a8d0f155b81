import Tensors

/// ONNX `SequenceLength`: the number of elements of a sequence.
package struct SequenceLength: Operator {
  package static let name = "sequence_length"
  package static let signature = Signature(.data("sequence"))
  package static let family = OperatorFamily.control
  package static let takesSequences = true
  package static let resultSizesDependOnData = true

  package static var coding: Coding<Self> { Coding(Self()) }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    _ = try node.contents(0)
    return [Fact(.int64, [])]
  }
}

extension Op {
  package static var sequenceLength: Op { Op(SequenceLength()) }
}
