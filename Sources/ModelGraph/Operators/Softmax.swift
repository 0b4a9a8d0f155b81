import Tensors

/// ONNX `Softmax` along one axis.
package struct Softmax: Operator {
  package static let name = "softmax"
  package static let signature = Signature(.data("x"))
  package static let family = OperatorFamily.window
  package var reals: RealElements { .computed }

  package var axis: Int

  package static var coding: Coding<Self> { Coding(Self.init, \.axis) }

  package var attributes: [PrintedAttribute] { [PrintedAttribute("axis", axis)] }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.sameShape(axis: axis)] }

  package func keepsRows(_ rows: BatchRows) -> Bool {
    rows.isRows(0) && rows.restIsFixed && rows.isInner(axis, of: 0)
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(Softmax(axis: 0), operands: operands, results: results)
  }
}

extension Op {
  package static func softmax(axis: Int) -> Op { Op(Softmax(axis: axis)) }
}
