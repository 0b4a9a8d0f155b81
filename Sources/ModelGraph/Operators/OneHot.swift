import Tensors

/// ONNX `OneHot`; values are off, then on.
package struct OneHot: Operator {
  package static let name = "onehot"
  package static let signature = Signature(.data("indices"), .shape("depth"), .data("values"))
  package static let family = OperatorFamily.movement

  package var axis: Int

  package static var coding: Coding<Self> { Coding(Self.init, \.axis) }

  package var attributes: [PrintedAttribute] { [PrintedAttribute("axis", axis)] }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.oneHot(axis: axis)] }

  package func keepsRows(_ rows: BatchRows) -> Bool {
    rows.isRows(0) && rows.restIsFixed && (axis < 0 ? axis + rows.resultRank : axis) > 0
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(OneHot(axis: 0), operands: operands, results: results)
      .with(.sizes([1]), .sizes([]), .sizes([2]), results: [1, 1])
  }
}

extension Op {
  package static func oneHot(axis: Int) -> Op { Op(OneHot(axis: axis)) }
}

extension NodeTyping {
  fileprivate func oneHot(axis: Int) throws(GraphError) -> Fact? {
    if let count = try listCount(1), count != 1 { throw failure("its depth is \(count) numbers") }
    if let count = try listCount(2), count != 2 {
      throw failure("its off and on values are \(count) numbers")
    }
    guard let type = elementType(2) else { return nil }
    guard var dimensions = dimensions(0) else { return Fact(type, nil) }
    let place = try normalized(axis, rank: dimensions.count + 1)
    let depth =
      self[1]?.scalar.map { $0.cast(from: elementType(1) ?? .int64, to: .int64).dimension } ?? .unknown
    if let size = depth.size, size < 0 { throw failure("its depth is \(size)") }
    dimensions.insert(depth, at: place)
    return Fact(type, dimensions)
  }
}
