import Tensors

/// ONNX `Size`.
package struct SizeOf: Operator {
  package static let name = "size"
  package static let signature = Signature(.data("x"))
  package static let family = OperatorFamily.movement
  package static let readsShapesAlone = true

  package static var coding: Coding<Self> { Coding(Self()) }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.size()] }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(self, operands: operands, results: results)
      .with(.sizes([1]), results: [])
  }
}

extension Op {
  package static var size: Op { Op(SizeOf()) }
}

extension NodeTyping {
  fileprivate func size() throws(GraphError) -> Fact {
    guard let dimensions = dimensions(0) else { return Fact(.int64, []) }
    guard let product = DimensionProduct(dimensions) else {
      throw failure("a number of elements is larger than this machine can address")
    }
    return Fact(.int64, [], elements: [Scalar(product.dimension)])
  }
}
