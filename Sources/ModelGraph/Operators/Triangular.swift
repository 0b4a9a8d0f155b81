import Tensors

/// ONNX `Trilu`.
package struct Triangular: Operator {
  package static let name = "triangular"
  package static let signature = Signature(.data("x"), .optional(.data("k")))
  package static let family = OperatorFamily.movement

  package var upper: Bool

  package static var coding: Coding<Self> { Coding(Self.init, \.upper) }

  package var attributes: [PrintedAttribute] { [PrintedAttribute("part", upper ? "upper" : "lower")] }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.triangular()] }

  package func keepsRows(_ rows: BatchRows) -> Bool {
    rows.isRows(0) && rows.restIsFixed && rows.resultRank >= 3
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(self, operands: operands, results: results)
      .with(.sizes([1, 1]), .absent, results: [1, 1])
  }
}

extension Op {
  package static func triangular(upper: Bool) -> Op { Op(Triangular(upper: upper)) }
}

extension NodeTyping {
  fileprivate func triangular() throws(GraphError) -> Fact? {
    guard let type = type(0) else { return nil }
    if let rank = type.rank, rank < 2 { throw failure("its input has \(rank) axes, so no diagonal") }
    return Fact(type)
  }
}
