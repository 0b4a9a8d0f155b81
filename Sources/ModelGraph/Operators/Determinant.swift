import Tensors

/// ONNX `Det`, of the matrices in the last two axes.
package struct Determinant: Operator {
  package static let name = "det"
  package static let signature = Signature(.data("x"))
  package static let family = OperatorFamily.linear

  package static var coding: Coding<Self> { Coding(Self()) }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    [try node.squareMatrices { Array($0.dropLast(2)) }]
  }

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
