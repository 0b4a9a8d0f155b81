import Tensors

/// ONNX `Det`, of the matrices in the last two axes.
package struct Determinant: Operator {
  package static let name = "det"
  package static let signature = Signature(.data("x"))
  package static let family = OperatorFamily.linear

  package static var coding: Coding<Self> { Coding(Self()) }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.determinant()] }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.isRows(0) && (rows.rank(0) ?? 0) > 2 }

  package func multiplyAdds(_ sizes: NodeSizes) -> Double {
    sizes.elements(0) * sizes.size(sizes.rank(0) - 1, of: 0) / 3
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(self, operands: operands, results: results).with(.sizes([1, 1]), results: [])
  }
}

extension Op {
  package static var determinant: Op { Op(Determinant()) }
}

extension NodeTyping {
  fileprivate func determinant() throws(GraphError) -> Fact? {
    guard let type = type(0) else { return nil }
    guard let dimensions = type.dimensions else { return Fact(type) }
    guard dimensions.count >= 2 else {
      throw failure("its input has \(dimensions.count) axes, so no matrices")
    }
    _ = try unified(
      dimensions[dimensions.count - 1], dimensions[dimensions.count - 2], "rows and columns of its matrices")
    return Fact(type.elementType, Array(dimensions.dropLast(2)))
  }
}
