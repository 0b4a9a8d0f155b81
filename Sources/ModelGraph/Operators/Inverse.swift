import Tensors

/// ONNX Runtime's `Inverse` (`com.microsoft`): the inverse of each matrix in the last two axes.
package struct Inverse: Operator {
  package static let name = "inverse"
  package static let signature = Signature(.data("x"))
  package static let family = OperatorFamily.linear

  package static var coding: Coding<Self> { Coding(Self()) }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    [try node.squareMatrices { $0 }]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.isRows(0) && (rows.rank(0) ?? 0) > 2 }

  package func multiplyAdds(_ sizes: NodeSizes) -> Double {
    2 * sizes.elements(0) * sizes.size(sizes.rank(0) - 1, of: 0)
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(self, operands: operands, results: results).with(.sizes([1, 1]), results: [1, 1])
  }
}

extension Op {
  package static var inverse: Op { Op(Inverse()) }
}
