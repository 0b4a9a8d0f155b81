import Tensors

extension NodeTyping {
  /// `https://onnx.ai/onnx/operators/onnx__Shape.html`: bounds count from the end where negative, and are clamped.
  func shape(start: Int, end: Int?) -> Fact {
    guard let dimensions = dimensions(0) else { return Fact(.int64, [.unknown]) }
    let rank = dimensions.count
    func clamped(_ bound: Int) -> Int { min(max(bound < 0 ? bound + rank : bound, 0), rank) }
    let from = clamped(start)
    let part = dimensions[from..<max(clamped(end ?? rank), from)]
    return Fact(.int64, [.known(part.count)], elements: part.map { Scalar($0) })
  }

  func size() throws(GraphError) -> Fact {
    guard let dimensions = dimensions(0) else { return Fact(.int64, []) }
    guard let product = DimensionProduct(dimensions) else {
      throw failure("a number of elements is larger than this machine can address")
    }
    return Fact(.int64, [], elements: [Scalar(product.dimension)])
  }

  func constantOfShape(_ value: Tensor) throws(GraphError) -> Fact {
    try checkInteger(0, "sizes")
    guard value.shape.elementCount == 1 else {
      throw failure("its value has \(value.shape.elementCount) elements")
    }
    guard let sizes = try list(0) else { return Fact(value.elementType, nil) }
    for size in sizes.compactMap(\.integer) where size < 0 { throw failure("a size is \(size)") }
    let type = ValueType(value.elementType, sizes.map(\.dimension))
    guard let count = type.shape?.elementCount, count <= Inference.maximumElements,
      let element = value.scalars?.first
    else { return Fact(type) }
    return Fact(type, elements: [Scalar](repeating: element, count: count))
  }

  /// max(⌈(limit − start) / delta⌉, 0) numbers.
  func range() throws(GraphError) -> Fact? {
    try checkSameElementType([0, 1, 2])
    for index in 0..<3 {
      if let count = try listCount(index), count != 1 {
        throw failure("operand \(index) is \(count) numbers")
      }
    }
    guard let type = elementType(0) ?? elementType(1) ?? elementType(2) else { return nil }
    guard let start = self[0]?.scalar, let limit = self[1]?.scalar, let delta = self[2]?.scalar else {
      return Fact(type, [.unknown])
    }
    if delta.number == 0 { throw failure("its step is 0") }
    if start.number == 0, delta.number == 1, case .symbol = limit { return Fact(type, [limit.dimension]) }
    if let start = start.integer, let limit = limit.integer, let delta = delta.integer {
      return try integerRange(type, from: start, to: limit, by: delta)
    }
    guard let start = start.number, let limit = limit.number, let delta = delta.number else {
      return Fact(type, [.unknown])
    }
    let steps = ((limit - start) / delta).rounded(.up)
    guard let count = Int(exactly: max(steps, 0)) else { throw failure("it has no end") }
    return Fact(type, [.known(count)])
  }

  private func integerRange(_ type: ElementType, from start: Int, to limit: Int, by delta: Int)
    throws(GraphError) -> Fact
  {
    let distance = limit.subtractingReportingOverflow(start)
    guard !distance.overflow, distance.partialValue != .min, delta != .min else {
      throw failure("it has no end")
    }
    let isForward = (distance.partialValue > 0) == (delta > 0) && distance.partialValue != 0
    let count = isForward ? (abs(distance.partialValue) - 1) / abs(delta) + 1 : 0
    let result = ValueType(type, [.known(count)])
    guard count <= Inference.maximumElements else { return Fact(result) }
    return Fact(result, elements: (0..<count).map { .integer(start + $0 * delta) })
  }

  /// A column for each element that is not zero; a scalar counts as a list of one.
  func nonZero() -> Fact {
    guard let operand = self[0], let rank = operand.type.rank else {
      return Fact(.int64, [.unknown, .unknown])
    }
    let rows = max(rank, 1)
    let open = Fact(.int64, [.known(rows), .unknown])
    guard let shape = operand.type.shape, let elements = operand.cheapElements else { return open }
    let truths = elements.compactMap(\.truth)
    guard truths.count == elements.count else { return open }
    let places = truths.indices.filter { truths[$0] }
    let strides = rank == 0 ? [1] : shape.strides
    let dims = rank == 0 ? [1] : shape.dims
    let indices = zip(strides, dims).flatMap { stride, dim in
      places.map { Scalar.integer($0 / stride % max(dim, 1)) }
    }
    return Fact(.int64, [.known(rows), .known(places.count)], elements: indices)
  }
}
