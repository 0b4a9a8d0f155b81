import Tensors

/// ONNX `Equal` of texts, which are equal if their bytes are.
package struct StringEqual: Operator {
  package static let name = "stringEqual"
  package static let signature = Signature(.data("x"), .data("y"))
  package static let family = OperatorFamily.elementwise

  package static var coding: Coding<Self> { Coding(Self()) }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    [Fact(.bool, try node.ofStrings())]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.broadcasts(0) && rows.broadcasts(1) }
}

extension Op {
  package static var stringEqual: Op { Op(StringEqual()) }
}
