import Tensors

/// ONNX `OptionalGetElement` of an optional sequence: the sequence, which must be there.
package struct OptionalValue: Operator {
  package static let name = "optional_value"
  package static let signature = Signature(.data("optional"))
  package static let family = OperatorFamily.control
  package static let takesSequences = true
  package static let resultSizesDependOnData = true

  package static var coding: Coding<Self> { Coding(Self()) }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    [Fact(ValueType(sequence: try node.contents(0)))]
  }
}

extension Op {
  package static var optionalValue: Op { Op(OptionalValue()) }
}
