import Tensors

/// ONNX `Identity`.
package struct Identity: Operator {
  package static let name = "identity"
  package static let signature = Signature(.data("x"))
  package static let family = OperatorFamily.movement
  package static let takesSequences = true
  package static let isView = true
  package static let isShapeArithmetic = true
  package var reals: RealElements { .moved }

  package static var coding: Coding<Self> { Coding(Self()) }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [node[0]] }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.isRows(0) }
}

extension Op {
  package static var identity: Op { Op(Identity()) }
}
