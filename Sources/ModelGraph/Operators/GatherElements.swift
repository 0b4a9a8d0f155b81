import Tensors

/// ONNX `GatherElements`.
package struct GatherElements: Operator {
  package static let name = "gather.elements"
  package static let signature = Signature(.data("data"), .data("indices"))
  package static let family = OperatorFamily.movement

  package var axis: Int

  package static var coding: Coding<Self> { Coding(Self.init, \.axis) }

  package var attributes: [PrintedAttribute] { [PrintedAttribute("axis", axis)] }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    [try node.gatherElements(axis: axis)]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool {
    rows.isRows(0) && rows.isRows(1) && rows.isInner(axis, of: 0)
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(GatherElements(axis: 0), operands: operands, results: results)
  }
}

extension Op {
  package static func gatherElements(axis: Int) -> Op { Op(GatherElements(axis: axis)) }
}

extension NodeTyping {
  fileprivate func gatherElements(axis: Int) throws(GraphError) -> Fact? {
    try checkInteger(1, "indices")
    try checkElementwiseIndices(axis: axis)
    return elementType(0).map { Fact($0, dimensions(1)) }
  }
}
