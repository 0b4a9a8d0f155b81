import Tensors

/// ONNX `Tile`.
package struct Tile: Operator {
  package static let name = "tile"
  package static let signature = Signature(.data("x"), .shape("repeats"))
  package static let family = OperatorFamily.movement
  package var reals: RealElements { .moved }

  package static var coding: Coding<Self> { Coding(Self()) }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.tile()] }

  package func keepsRows(_ rows: BatchRows) -> Bool {
    rows.isRows(0) && rows.restIsNotRows && rows.rank(0) == rows.resultRank
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(self, operands: operands, results: results)
      .with(.sizes([1]), .integers([1]))
  }
}

extension Op {
  package static var tile: Op { Op(Tile()) }
}

extension NodeTyping {
  fileprivate func tile() throws(GraphError) -> Fact? {
    try checkInteger(1, "repeats")
    guard let operand = self[0] else { return nil }
    let type = operand.type.elementType
    let repeats = try list(1)
    guard let dimensions = operand.type.dimensions else {
      return Fact(type, repeats.map { [Dimension](repeating: .unknown, count: $0.count) })
    }
    guard let repeats else { return Fact(type, [Dimension](repeating: .unknown, count: dimensions.count)) }
    guard repeats.count == dimensions.count else {
      throw failure("\(repeats.count) repeats are given for \(dimensions.count) axes")
    }
    var result: [Dimension] = []
    for (size, times) in zip(dimensions, repeats) {
      if let times = times.integer, times < 0 { throw failure("a repeat is \(times)") }
      result.append(try sized(size.times(times.dimension)))
    }
    return Fact(type, result, elements: tiled(operand, to: ValueType(type, result).shape))
  }

  fileprivate func tiled(_ operand: Fact, to shape: Shape?) -> [Scalar]? {
    guard let shape, shape.elementCount <= Inference.maximumElements, shape.rank == 1,
      let elements = operand.cheapElements, !elements.isEmpty
    else { return nil }
    return (0..<shape.elementCount).map { elements[$0 % elements.count] }
  }
}
