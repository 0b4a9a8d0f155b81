import Tensors

/// ONNX `InstanceNormalization`, over the spatial axes of each channel of each image.
package struct InstanceNormalization: Operator {
  package static let name = "norm.instance"
  package static let signature = Signature(.data("x"), .data("scale"), .data("bias"))
  package static let family = OperatorFamily.window
  package var reals: RealElements { .computed }

  package var epsilon: Double

  package static var coding: Coding<Self> { Coding(Self.init, \.epsilon) }

  package var attributes: [PrintedAttribute] { [PrintedAttribute("epsilon", epsilon)] }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    [try node.instanceNormalization()]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.isRows(0) && rows.restIsFixed }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(self, operands: operands, results: results)
      .with(.sizes([1, 1, 1]), results: [1, 1, 1])
  }
}

extension Op {
  package static func instanceNormalization(epsilon: Double) -> Op {
    Op(InstanceNormalization(epsilon: epsilon))
  }
}

extension NodeTyping {
  fileprivate func instanceNormalization() throws(GraphError) -> Fact? {
    guard let type = type(0) else { return nil }
    try checkPerChannel(1...2, ["scale", "bias"], of: try channels(type, atLeast: 3))
    return Fact(type)
  }
}
