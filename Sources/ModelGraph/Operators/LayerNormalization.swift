import Tensors

/// ONNX `LayerNormalization`, over the axes from `axis` to the last.
package struct LayerNormalization: Operator {
  package static let name = "norm.layer"
  package static let signature = Signature(.data("x"), .data("scale"), .optional(.data("bias")))
  package static let family = OperatorFamily.window
  package var reals: RealElements { .computed }

  package var axis: Int
  package var epsilon: Double

  package static var coding: Coding<Self> { Coding(Self.init, \.axis, \.epsilon) }

  package var attributes: [PrintedAttribute] {
    [PrintedAttribute("axis", axis), PrintedAttribute("epsilon", epsilon)]
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    [try node.layerNormalization(axis: axis)]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool {
    rows.isRows(0) && rows.restIsFixed && rows.isInner(axis, of: 0) && rows.restBroadcasts
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(LayerNormalization(axis: 0, epsilon: epsilon), operands: operands, results: results)
  }
}

extension Op {
  package static func layerNormalization(axis: Int, epsilon: Double) -> Op {
    Op(LayerNormalization(axis: axis, epsilon: epsilon))
  }
}

extension NodeTyping {
  fileprivate func layerNormalization(axis: Int) throws(GraphError) -> Fact? {
    guard let type = type(0) else { return nil }
    guard let dimensions = type.dimensions else { return Fact(type) }
    let axis = try normalized(axis, rank: dimensions.count)
    let tail = Array(dimensions[axis...])
    try checkBroadcast(self.dimensions(1), to: tail, "its scale")
    try checkBroadcast(self.dimensions(2), to: tail, "its bias")
    return Fact(type)
  }
}
