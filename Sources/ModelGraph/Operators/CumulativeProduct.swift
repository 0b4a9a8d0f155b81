/// ONNX `CumProd`.
package struct CumulativeProduct: Operator {
  package static let name = "cumprod"
  package static let signature = Signature(.data("x"), .data("axis"))
  package static let family = OperatorFamily.window

  package var exclusive: Bool
  package var reverse: Bool

  package static var coding: Coding<Self> { Coding(Self.init, \.exclusive, \.reverse) }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.cumulative()] }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.isRows(0) && rows.areInner(axesIn: 1) }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(self, operands: operands, results: results)
      .with(.sizes([1]), .integers([0]))
  }
}

extension Op {
  package static func cumulativeProduct(exclusive: Bool, reverse: Bool) -> Op {
    Op(CumulativeProduct(exclusive: exclusive, reverse: reverse))
  }
}
