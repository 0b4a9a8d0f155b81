import Tensors

/// ONNX `Split`; without sizes: equal parts, as many as there are results.
package struct Split: Operator {
  package static let name = "split"
  package static let signature = Signature(.data("x"), .optional(.shape("sizes")), results: 1...Int.max)
  package static let family = OperatorFamily.movement
  package static let isShapeArithmetic = true
  package static let sharesBytes = true
  package var reals: RealElements { .moved }

  package var axis: Int

  package static var coding: Coding<Self> { Coding(Self.init, \.axis) }

  package var attributes: [PrintedAttribute] { [PrintedAttribute("axis", axis)] }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { try node.split(axis: axis) }

  package func keepsRows(_ rows: BatchRows) -> Bool {
    rows.isRows(0) && rows.restIsFixed && rows.isInner(axis, of: 0)
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(Split(axis: 0), operands: operands, results: results)
      .with(.sizes([results]), .absent, results: [1])
  }
}

extension Op {
  package static func split(axis: Int) -> Op { Op(Split(axis: axis)) }
}

extension NodeTyping {
  fileprivate func split(axis: Int) throws(GraphError) -> [Fact?] {
    let count = node.outputs.count
    guard let operand = self[0] else { return [Fact?](repeating: nil, count: count) }
    let type = operand.type.elementType
    guard let dimensions = operand.type.dimensions else {
      return [Fact?](repeating: Fact(type, nil), count: count)
    }
    let axis = try normalized(axis, rank: dimensions.count)
    let sizes = try has(1) ? listed(count, whole: dimensions[axis]) : equal(count, whole: dimensions[axis])
    let isFollowed = sizes.allSatisfy { $0.size != nil }
    var start = 0
    return sizes.map { size in
      var result = dimensions
      result[axis] = size
      guard isFollowed, let elements = operand.cheapElements, let strides = operand.type.shape?.strides else {
        return Fact(type, result)
      }
      let part = strided(
        elements, dims: result.compactMap(\.size), strides: strides, offset: start * strides[axis])
      start += size.size ?? 0
      return Fact(type, result, elements: part)
    }
  }

  /// The parts that the operand lists.
  fileprivate func listed(_ count: Int, whole: Dimension) throws(GraphError) -> [Dimension] {
    try checkInteger(1, "sizes")
    guard let sizes = try list(1) else { return [Dimension](repeating: .unknown, count: count) }
    guard sizes.count == count else { throw failure("\(sizes.count) sizes are given for \(count) results") }
    var sum = Dimension.known(0)
    for size in sizes {
      if let size = size.integer, size < 0 { throw failure("a part has the size \(size)") }
      sum = try sized(sum.plus(size.dimension))
    }
    guard sum.unified(with: whole) != nil else {
      throw failure("parts of together \(ValueType.text([sum])) are cut from \(ValueType.text([whole]))")
    }
    return sizes.map(\.dimension)
  }

  /// Parts of ⌈whole/count⌉; the last one is what is left.
  fileprivate func equal(_ count: Int, whole: Dimension) throws(GraphError) -> [Dimension] {
    if count == 1 { return [whole] }
    guard let size = whole.size else { return [Dimension](repeating: .unknown, count: count) }
    let part = size / count + (size % count == 0 ? 0 : 1)
    let last = size.subtractingReportingOverflow(part * (count - 1)).partialValue
    guard last >= 0 else { throw failure("\(size) cannot be cut into \(count) parts") }
    return [Dimension](repeating: .known(part), count: count - 1) + [.known(last)]
  }
}
