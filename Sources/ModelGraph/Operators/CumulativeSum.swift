import Tensors

/// ONNX `CumSum`.
package struct CumulativeSum: Operator {
  package static let name = "cumsum"
  package static let signature = Signature(.data("x"), .data("axis"))
  package static let family = OperatorFamily.window
  package var reals: RealElements { .computed }

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
  package static func cumulativeSum(exclusive: Bool, reverse: Bool) -> Op {
    Op(CumulativeSum(exclusive: exclusive, reverse: reverse))
  }
}

extension NodeTyping {
  /// The rule for sums and products along an axis, which operand 1 names.
  func cumulative() throws(GraphError) -> Fact? {
    guard let type = type(0) else { return nil }
    if let rank = type.rank, let axis = try list(1)?.first?.integer { _ = try normalized(axis, rank: rank) }
    return Fact(type)
  }
}
