import Tensors

/// ONNX `Expand`: broadcasts both ways, so that a size of 1 keeps the operand's.
package struct Expand: Operator {
  package static let name = "expand"
  package static let signature = Signature(.data("x"), .shape("shape"))
  package static let family = OperatorFamily.movement
  package var reals: RealElements { .moved }

  package static var coding: Coding<Self> { Coding(Self()) }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.expand()] }

  package func keepsRows(_ rows: BatchRows) -> Bool {
    guard rows.restIsNotRows else { return false }
    if rows.isRows(0) { return rows.rank(0) == rows.resultRank }
    // A fixed operand is repeated for each row.
    return rows.isFixed(0) && rows.broadcasts(0)
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(self, operands: operands, results: results)
      .with(.sizes([1]), .integers([1]))
  }
}

extension Op {
  package static var expand: Op { Op(Expand()) }
}

extension NodeTyping {
  /// Broadcasts both ways: a size of 1 keeps the operand's.
  fileprivate func expand() throws(GraphError) -> Fact? {
    try checkInteger(1, "sizes")
    guard let operand = self[0] else { return nil }
    let type = operand.type.elementType
    guard let target = try list(1) else { return Fact(type, nil) }
    for size in target.compactMap(\.integer) where size < 0 { throw failure("a size is \(size)") }
    guard let result = try broadcast(operand.type.dimensions, target.map(\.dimension)) else {
      return Fact(type, nil)
    }
    let wide = ValueType(type, result)
    guard let elements = operand.cheapElements, let from = operand.type.shape, let to = wide.shape else {
      return Fact(wide)
    }
    return Fact(wide, elements: ModelGraph.broadcast(elements, from: from, to: to))
  }
}
