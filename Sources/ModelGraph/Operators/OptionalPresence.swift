import Tensors

/// ONNX `OptionalHasElement` of an optional that is known at run time: true if it is there.
package struct OptionalPresence: Operator {
  package static let name = "optional_presence"
  package static let signature = Signature(.data("optional"))
  package static let family = OperatorFamily.control
  package static let takesSequences = true
  package static let resultSizesDependOnData = true

  package static var coding: Coding<Self> { Coding(Self()) }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    _ = try node.contents(0)
    return [Fact(.bool, [])]
  }
}

extension Op {
  package static var optionalPresence: Op { Op(OptionalPresence()) }
}
