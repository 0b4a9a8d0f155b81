import Tensors

/// ONNX `Unsqueeze`.
package struct Unsqueeze: Operator {
  package static let name = "unsqueeze"
  package static let signature = Signature(.data("x"), .shape("axes"))
  package static let family = OperatorFamily.movement
  package static let isView = true
  package static let isShapeArithmetic = true
  package var reals: RealElements { .moved }

  package static var coding: Coding<Self> { Coding(Self()) }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.unsqueeze()] }

  package func keepsRows(_ rows: BatchRows) -> Bool {
    rows.isRows(0) && rows.restIsNotRows && rows.keepsElements
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(self, operands: operands, results: results)
      .with(.sizes([1]), .integers([0]))
  }
}

extension Op {
  package static var unsqueeze: Op { Op(Unsqueeze()) }
}

extension NodeTyping {
  fileprivate func unsqueeze() throws(GraphError) -> Fact? {
    try checkInteger(1, "axes")
    guard let operand = self[0] else { return nil }
    let type = operand.type.elementType
    guard let dimensions = operand.type.dimensions, let count = try listCount(1) else {
      return Fact(type, nil)
    }
    guard count <= Shape.maximumRank else { throw failure("it adds \(count) axes") }
    let rank = dimensions.count + count
    guard let given = try integers(1) else {
      return Fact(type, [Dimension](repeating: .unknown, count: rank))
    }
    let axes = try normalized(given, rank: rank)
    var rest = dimensions.makeIterator()
    let result = (0..<rank).map { axes.contains($0) ? .known(1) : rest.next() ?? .known(1) }
    return Fact(type, result, elements: elements(of: operand, as: result))
  }
}
