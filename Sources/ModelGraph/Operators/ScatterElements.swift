import Tensors

/// ONNX `ScatterElements`.
package struct ScatterElements: Operator {
  package static let name = "scatter.elements"
  package static let signature = Signature(.data("data"), .data("indices"), .data("updates"))
  package static let family = OperatorFamily.movement

  package var axis: Int
  package var reduction: ScatterReduction

  package static var coding: Coding<Self> { Coding(Self.init, \.axis, \.reduction) }

  package var attributes: [PrintedAttribute] { [PrintedAttribute("axis", axis)] }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    [try node.scatterElements(axis: axis)]
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(ScatterElements(axis: 0, reduction: reduction), operands: operands, results: results)
  }
}

extension Op {
  package static func scatterElements(axis: Int, _ reduction: ScatterReduction) -> Op {
    Op(ScatterElements(axis: axis, reduction: reduction))
  }
}

extension NodeTyping {
  fileprivate func scatterElements(axis: Int) throws(GraphError) -> Fact? {
    try checkInteger(1, "indices")
    try checkSameElementType([0, 2])
    try checkElementwiseIndices(axis: axis)
    if let indices = dimensions(1), let updates = dimensions(2) {
      guard indices.count == updates.count, zip(indices, updates).allSatisfy({ $0.unified(with: $1) != nil })
      else { throw failure("the indices and the updates have different shapes") }
    }
    return type(0).map { Fact($0) }
  }
}
