import Tensors

/// The squared Euclidean distance of each row of `x` to each row of `y`.
package struct SquaredDistance: Operator {
  package static let name = "distance.squared"
  package static let signature = Signature(.data("x"), .data("y"))
  package static let family = OperatorFamily.linear
  package var reals: RealElements { .computed }

  package static var coding: Coding<Self> { Coding(Self()) }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.squaredDistance()] }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.isRows(0) && rows.restIsFixed }

  package func multiplyAdds(_ sizes: NodeSizes) -> Double { sizes.resultElements * sizes.size(1, of: 0) }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(self, operands: operands, results: results)
      .with(.sizes([1, 1]), .sizes([1, 1]), results: [1, 1])
  }

  package func nominalShape(weights: [Int], rank: Int?) -> [Int]? {
    weights.count == 2 ? [1, weights[1]] : nil
  }
}

extension Op {
  package static var squaredDistance: Op { Op(SquaredDistance()) }
}

extension NodeTyping {
  fileprivate func squaredDistance() throws(GraphError) -> Fact? {
    try checkSameElementType([0, 1])
    guard let type = elementType(0) ?? elementType(1) else { return nil }
    guard type.isFloatingPoint else { throw failure("its operands are \(type)") }
    let (x, y) = (dimensions(0), dimensions(1))
    for dimensions in [x, y] where dimensions.map({ $0.count != 2 }) ?? false {
      throw failure("its operands have to have two axes")
    }
    if let x, let y { _ = try unified(x[1], y[1], "the lengths of the rows") }
    return Fact(type, [x?[0] ?? .unknown, y?[0] ?? .unknown])
  }
}
