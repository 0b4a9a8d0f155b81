import Tensors

extension NodeTyping {
  /// `https://onnx.ai/onnx/operators/onnx__Reshape.html`
  func reshape(allowZero: Bool) throws(GraphError) -> Fact? {
    try checkInteger(1, "sizes")
    guard let operand = self[0] else { return nil }
    let type = operand.type.elementType
    guard let target = try list(1) else { return Fact(type, nil) }
    let source = operand.type.dimensions
    var result: [Dimension] = []
    var inferred: [Int] = []
    for (position, element) in target.enumerated() {
      switch element {
      case .integer(-1):
        inferred.append(position)
        result.append(.unknown)
      case .integer(0) where !allowZero:
        if let source {
          guard source.indices.contains(position) else {
            throw failure("size \(position) is copied, but there is none")
          }
          result.append(source[position])
        } else {
          result.append(.unknown)
        }
      case .integer(let size) where size < 0: throw failure("a size is \(size)")
      default: result.append(element.dimension)
      }
    }
    guard inferred.count <= 1 else { throw failure("more than one size is to be inferred") }
    if allowZero, !inferred.isEmpty, target.contains(.integer(0)) {
      throw failure("a size is to be inferred beside one of 0")
    }
    guard let source else { return Fact(type, result) }
    // One size that is not known follows from the others, whether it will be −1 or the number itself.
    let open = result.indices.filter {
      result[$0] == .unknown && (inferred.isEmpty || target[$0] == .unknown)
    }
    if inferred.isEmpty, open.count == 1 { inferred = open }
    let rest = result.indices.filter { !inferred.contains($0) }.map { result[$0] }
    guard let total = DimensionProduct(source), let product = DimensionProduct(rest) else {
      throw failure("a number of elements is larger than this machine can address")
    }
    if let position = inferred.first {
      let (quotient, remainder) = total.divided(by: product)
      let isAsked = target[position] == .integer(-1)
      guard !remainder, !(isAsked && product.dimension == .known(0)) else {
        throw failure(
          "\(ValueType.text(source)) has no size that makes it \(ValueType.text(result))")
      }
      result[position] = quotient
    } else if let before = total.dimension.size, let after = product.dimension.size, before != after {
      throw failure(
        "\(ValueType.text(source)) has \(before) elements and \(ValueType.text(result)) has \(after)")
    }
    return Fact(type, result, elements: elements(of: operand, as: result))
  }

  /// The elements of an operand that keeps their order under new dimensions.
  private func elements(of operand: Fact, as dimensions: [Dimension]) -> [Scalar]? {
    dimensions.allSatisfy { $0.size != nil } ? operand.cheapElements : nil
  }

  func flatten(axis: Int) throws(GraphError) -> Fact? {
    guard let operand = self[0] else { return nil }
    let type = operand.type.elementType
    guard let dimensions = operand.type.dimensions else { return Fact(type, [.unknown, .unknown]) }
    let rank = dimensions.count
    guard -rank...rank ~= axis else {
      throw failure("axis \(axis) is not one of \(rank) axes, nor behind them")
    }
    let cut = axis < 0 ? axis + rank : axis
    guard let rows = DimensionProduct(dimensions[..<cut]), let columns = DimensionProduct(dimensions[cut...])
    else { throw failure("a number of elements is larger than this machine can address") }
    let result = [rows.dimension, columns.dimension]
    return Fact(type, result, elements: elements(of: operand, as: result))
  }

  func squeeze() throws(GraphError) -> Fact? {
    guard let operand = self[0] else { return nil }
    let type = operand.type.elementType
    guard let dimensions = operand.type.dimensions else { return Fact(type, nil) }
    var axes: [Int]
    if has(1) {
      try checkInteger(1, "axes")
      guard let given = try integers(1) else {
        let count = try listCount(1)
        guard let count, count <= dimensions.count else { return Fact(type, nil) }
        return Fact(type, [Dimension](repeating: .unknown, count: dimensions.count - count))
      }
      axes = try normalized(given, rank: dimensions.count)
      for axis in axes where dimensions[axis].unified(with: .known(1)) == nil {
        throw failure("axis \(axis) is not of size 1")
      }
    } else {
      guard dimensions.allSatisfy({ $0.size != nil }) else { return Fact(type, nil) }
      axes = dimensions.indices.filter { dimensions[$0] == .known(1) }
    }
    let result = dimensions.indices.filter { !axes.contains($0) }.map { dimensions[$0] }
    return Fact(type, result, elements: elements(of: operand, as: result))
  }

  func unsqueeze() throws(GraphError) -> Fact? {
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

  /// Broadcasts both ways: a size of 1 keeps the operand's.
  func expand() throws(GraphError) -> Fact? {
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

  func tile() throws(GraphError) -> Fact? {
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

  private func tiled(_ operand: Fact, to shape: Shape?) -> [Scalar]? {
    guard let shape, shape.elementCount <= Inference.maximumElements, shape.rank == 1,
      let elements = operand.cheapElements, !elements.isEmpty
    else { return nil }
    return (0..<shape.elementCount).map { elements[$0 % elements.count] }
  }

  /// Adds (or, where negative, takes away) elements at the begins of axes, then at their ends.
  func pad() throws(GraphError) -> Fact? {
    try checkInteger(1, "amounts")
    guard let type = type(0) else { return nil }
    guard let dimensions = type.dimensions else { return Fact(type) }
    let rank = dimensions.count
    var result = dimensions
    var axes = Array(0..<rank)
    if has(3) {
      try checkInteger(3, "axes")
      guard let given = try integers(3) else {
        return Fact(type.elementType, [Dimension](repeating: .unknown, count: rank))
      }
      axes = try normalized(given, rank: rank)
    }
    guard let amounts = try list(1) else {
      for axis in axes { result[axis] = .unknown }
      return Fact(type.elementType, result)
    }
    guard amounts.count == 2 * axes.count else {
      throw failure("\(amounts.count) amounts are given for \(axes.count) axes")
    }
    for (position, axis) in axes.enumerated() {
      let begin = amounts[position].dimension
      let end = amounts[position + axes.count].dimension
      result[axis] = try sized(try sized(dimensions[axis].plus(begin)).plus(end))
      if let size = result[axis].size, size < 0 {
        throw failure("more is taken away from axis \(axis) than there is")
      }
    }
    return Fact(type.elementType, result)
  }
}
