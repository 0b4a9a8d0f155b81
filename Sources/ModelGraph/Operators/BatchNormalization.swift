import Tensors

/// ONNX `BatchNormalization` in its inference form.
package struct BatchNormalization: Operator {
  package static let name = "norm.batch"
  package static let signature = Signature(
    .data("x"), .data("scale"), .data("bias"), .data("mean"), .data("variance"))
  package static let family = OperatorFamily.window
  package var reals: RealElements { .computed }

  package var epsilon: Double

  package static var coding: Coding<Self> { Coding(Self.init, \.epsilon) }

  package var attributes: [PrintedAttribute] { [PrintedAttribute("epsilon", epsilon)] }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.batchNormalization()] }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.isRows(0) && rows.restIsFixed }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(self, operands: operands, results: results)
      .with(.sizes([1, 1, 1]), results: [1, 1, 1])
  }
}

extension Op {
  package static func batchNormalization(epsilon: Double) -> Op { Op(BatchNormalization(epsilon: epsilon)) }
}

extension NodeTyping {
  fileprivate func batchNormalization() throws(GraphError) -> Fact? {
    guard let type = type(0) else { return nil }
    try checkPerChannel(1...4, ["scale", "bias", "mean", "variance"], of: try channels(type, atLeast: 2))
    return Fact(type)
  }
}
