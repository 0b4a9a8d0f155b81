import Tensors

extension NodeTyping {
  func gather(axis: Int) throws(GraphError) -> Fact? {
    try checkInteger(1, "indices")
    guard let operand = self[0] else { return nil }
    let type = operand.type.elementType
    guard let dimensions = operand.type.dimensions else { return Fact(type, nil) }
    let axis = try normalized(axis, rank: dimensions.count)
    guard let places = self.dimensions(1) else { return Fact(type, nil) }
    let result = dimensions[..<axis] + places + dimensions[(axis + 1)...]
    guard let indices = self[1]?.cheapElements else { return Fact(type, Array(result)) }
    if let size = dimensions[axis].size {
      for index in indices.compactMap(\.integer) where !(-size..<size ~= index) {
        throw failure("index \(index) is not one of \(size)")
      }
    }
    return Fact(type, Array(result), elements: gathered(indices, of: operand, axis: axis))
  }

  private func gathered(_ indices: [Scalar], of operand: Fact, axis: Int) -> [Scalar]? {
    guard let shape = operand.type.shape, let elements = operand.cheapElements else { return nil }
    let size = shape.dims[axis]
    let outer = shape.dims[..<axis].reduce(1, *)
    let run = shape.dims[(axis + 1)...].reduce(1, *)
    guard outer * run * indices.count <= Inference.maximumElements else { return nil }
    return (0..<outer).flatMap { row in
      indices.flatMap { index in
        guard let index = index.integer else { return [Scalar](repeating: .unknown, count: run) }
        let first = (row * size + (index < 0 ? index + size : index)) * run
        return Array(elements[first..<first + run])
      }
    }
  }

  func gatherElements(axis: Int) throws(GraphError) -> Fact? {
    try checkInteger(1, "indices")
    try checkElementwiseIndices(axis: axis)
    return elementType(0).map { Fact($0, dimensions(1)) }
  }

  func scatterElements(axis: Int) throws(GraphError) -> Fact? {
    try checkInteger(1, "indices")
    try checkSameElementType([0, 2])
    try checkElementwiseIndices(axis: axis)
    if let indices = dimensions(1), let updates = dimensions(2) {
      guard indices.count == updates.count, zip(indices, updates).allSatisfy({ $0.unified(with: $1) != nil })
      else { throw failure("the indices and the updates have different shapes") }
    }
    return type(0).map { Fact($0) }
  }

  /// Indices have the rank of the data and, but along `axis`, no larger sizes.
  private func checkElementwiseIndices(axis: Int) throws(GraphError) {
    guard let data = dimensions(0) else { return }
    let axis = try normalized(axis, rank: data.count)
    guard let indices = dimensions(1) else { return }
    guard indices.count == data.count else {
      throw failure("the indices have \(indices.count) axes and the data \(data.count)")
    }
    for other in data.indices where other != axis {
      if let wanted = indices[other].size, let size = data[other].size, wanted > size {
        throw failure("the indices are longer than the data along axis \(other)")
      }
    }
  }

  func gatherND(batchDimensions: Int) throws(GraphError) -> Fact? {
    try checkInteger(1, "indices")
    guard let type = elementType(0) else { return nil }
    guard let data = dimensions(0), let indices = dimensions(1) else { return Fact(type, nil) }
    guard let last = indices.last, !data.isEmpty else { throw failure("neither operand can be a scalar") }
    guard 0..<min(data.count, indices.count) ~= batchDimensions else {
      throw failure("it has \(batchDimensions) batch axes")
    }
    var batch: [Dimension] = []
    for axis in 0..<batchDimensions {
      batch.append(try unified(data[axis], indices[axis], "the batch axes of data and indices"))
    }
    guard let depth = last.size else { return Fact(type, nil) }
    guard 1...data.count - batchDimensions ~= depth else {
      throw failure(
        "an index of \(depth) numbers does not fit \(data.count) axes, \(batchDimensions) of them batch")
    }
    return Fact(type, batch + indices[batchDimensions...].dropLast() + data[(batchDimensions + depth)...])
  }

  func scatterND(_ reduction: ScatterReduction) throws(GraphError) -> Fact? {
    try checkInteger(1, "indices")
    try checkSameElementType([0, 2])
    guard let operand = self[0] else { return nil }
    let plain = Fact(operand.type)
    guard let data = operand.type.dimensions, let indices = dimensions(1) else { return plain }
    guard let last = indices.last, !data.isEmpty else {
      throw failure("neither data nor indices can be a scalar")
    }
    guard let depth = last.size else { return plain }
    guard 1...data.count ~= depth else {
      throw failure("an index of \(depth) numbers does not fit \(data.count) axes")
    }
    let wanted = indices.dropLast() + data[depth...]
    if let updates = dimensions(2) {
      guard updates.count == wanted.count, zip(updates, wanted).allSatisfy({ $0.unified(with: $1) != nil })
      else { throw failure("the updates are not \(ValueType.text(Array(wanted)))") }
    }
    guard reduction == .replace, let elements = scattered(operand, depth: depth) else { return plain }
    return Fact(operand.type, elements: elements)
  }

  private func scattered(_ operand: Fact, depth: Int) -> [Scalar]? {
    guard let shape = operand.type.shape, var elements = operand.elements,
      let indices = self[1]?.elements?.compactMap(\.integer), let updates = self[2]?.elementsOrUnknown,
      indices.count == self[1]?.type.shape?.elementCount
    else { return nil }
    let strides = shape.strides
    let run = shape.dims[depth...].reduce(1, *)
    guard indices.count / depth * run == updates.count else { return nil }
    for update in 0..<indices.count / depth {
      var first = 0
      for axis in 0..<depth {
        let index = indices[update * depth + axis]
        let size = shape.dims[axis]
        guard -size..<size ~= index else { return nil }
        first += (index < 0 ? index + size : index) * strides[axis]
      }
      elements.replaceSubrange(first..<first + run, with: updates[update * run..<(update + 1) * run])
    }
    return elements
  }

  func oneHot(axis: Int) throws(GraphError) -> Fact? {
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
