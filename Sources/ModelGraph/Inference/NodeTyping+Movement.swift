import Tensors

extension NodeTyping {
  func concat(axis: Int) throws(GraphError) -> Fact? {
    try checkSameElementType(Array(operands.indices))
    guard let type = operands.lazy.compactMap({ $0?.type.elementType }).first else { return nil }
    guard let rank = operands.lazy.compactMap({ $0?.type.rank }).first else { return Fact(type, nil) }
    let axis = try normalized(axis, rank: rank)
    var result = [Dimension](repeating: .unknown, count: rank)
    result[axis] = .known(0)
    for index in 0..<node.operandCount {
      guard let dimensions = dimensions(index) else {
        result[axis] = .unknown
        continue
      }
      guard dimensions.count == rank else { throw failure("its operands have different numbers of axes") }
      for other in 0..<rank {
        result[other] =
          other == axis
          ? try sized(result[axis].plus(dimensions[axis]))
          : try unified(result[other], dimensions[other], "sizes along axis \(other)")
      }
    }
    return Fact(type, result, elements: concatenated(axis: axis, ValueType(type, result).shape))
  }

  private func concatenated(axis: Int, _ shape: Shape?) -> [Scalar]? {
    guard let shape, shape.elementCount <= Inference.maximumElements,
      (0..<node.operandCount).contains(where: { self[$0]?.cheapElements != nil })
    else { return nil }
    var parts: [(elements: [Scalar], run: Int)] = []
    let outer = shape.dims[..<axis].reduce(1, *)
    for index in 0..<node.operandCount {
      guard let elements = self[index]?.elementsOrUnknown else { return nil }
      parts.append((elements, outer == 0 ? 0 : elements.count / outer))
    }
    return (0..<outer).flatMap { row in
      parts.flatMap { $0.elements[row * $0.run..<(row + 1) * $0.run] }
    }
  }

  func split(axis: Int) throws(GraphError) -> [Fact?] {
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
  private func listed(_ count: Int, whole: Dimension) throws(GraphError) -> [Dimension] {
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
  private func equal(_ count: Int, whole: Dimension) throws(GraphError) -> [Dimension] {
    if count == 1 { return [whole] }
    guard let size = whole.size else { return [Dimension](repeating: .unknown, count: count) }
    let part = size / count + (size % count == 0 ? 0 : 1)
    let last = size.subtractingReportingOverflow(part * (count - 1)).partialValue
    guard last >= 0 else { throw failure("\(size) cannot be cut into \(count) parts") }
    return [Dimension](repeating: .known(part), count: count - 1) + [.known(last)]
  }

  func transpose(_ permutation: [Int]) throws(GraphError) -> Fact? {
    guard let operand = self[0] else { return nil }
    let type = operand.type.elementType
    guard let dimensions = operand.type.dimensions else {
      guard !permutation.isEmpty else { return Fact(type, nil) }
      return Fact(type, [Dimension](repeating: .unknown, count: permutation.count))
    }
    let axes = permutation.isEmpty ? dimensions.indices.reversed() : permutation
    guard axes.sorted() == Array(dimensions.indices) else {
      throw failure("\(permutation) is not a permutation of \(dimensions.count) axes")
    }
    let result = axes.map { dimensions[$0] }
    guard let elements = operand.cheapElements, let shape = operand.type.shape else {
      return Fact(type, result)
    }
    let strides = shape.strides
    return Fact(
      type, result,
      elements: strided(elements, dims: axes.map { shape.dims[$0] }, strides: axes.map { strides[$0] }))
  }

  /// Grouping of spatial blocks into channels, and back: `[N, C, H, W]`.
  func depthToSpace(_ block: Int) throws(GraphError) -> Fact? {
    guard let (type, image, area) = try blocks(block) else { return self[0] }
    if let channels = image[1].size, channels % area != 0 {
      throw failure("\(channels) channels cannot be spread over blocks of \(block) by \(block)")
    }
    return Fact(
      type,
      [
        image[0], block == 1 ? image[1] : image[1].size.map { .known($0 / area) } ?? .unknown,
        try sized(image[2].times(.known(block))), try sized(image[3].times(.known(block))),
      ])
  }

  func spaceToDepth(_ block: Int) throws(GraphError) -> Fact? {
    guard let (type, image, area) = try blocks(block) else { return self[0] }
    for size in image[2...].compactMap(\.size) where size % block != 0 {
      throw failure("an image of \(ValueType.text(image)) cannot be cut into blocks of \(block) by \(block)")
    }
    let spatial = image[2...].map { $0.dividedRoundingUp(by: block) }
    return Fact(type, [image[0], try sized(image[1].times(.known(area)))] + spatial)
  }

  private func blocks(_ block: Int) throws(GraphError) -> (ElementType, [Dimension], Int)? {
    let area = block.multipliedReportingOverflow(by: block)
    guard block > 0, !area.overflow else { throw failure("its blocks have the size \(block)") }
    guard let type = type(0), let image = type.dimensions else { return nil }
    guard image.count == 4 else { throw failure("its input has \(image.count) axes, not four") }
    return (type.elementType, image, area.partialValue)
  }

  func triangular() throws(GraphError) -> Fact? {
    guard let type = type(0) else { return nil }
    if let rank = type.rank, rank < 2 { throw failure("its input has \(rank) axes, so no diagonal") }
    return Fact(type)
  }
}
