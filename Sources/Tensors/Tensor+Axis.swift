extension Tensor {
  /// The elements at `index` along `axis`, without that axis; copied unless they lie in a row.
  /// - Throws: ``TensorError`` if there is no such axis or index, or elements are smaller than a byte.
  package func element(_ index: Int, along axis: Int) throws -> Tensor {
    guard shape.dims.indices.contains(axis), shape.dims[axis] > index, index >= 0, elementType.bitWidth >= 8
    else {
      throw TensorError(.tooManyElements(shape.dims))
    }
    var dims = shape.dims
    dims.remove(at: axis)
    let run = shape.dims[(axis + 1)...].reduce(elementType.bitWidth / 8, *)
    let part = try Shape(checking: dims)
    let rows = shape.dims[..<axis].reduce(1, *)
    if rows == 1 { return try view(of: part, from: index * run) }
    let stride = run * shape.dims[axis]
    return try Tensor(elementType: elementType, shape: part, table: table) { bytes in
      withUnsafeBytes { from in
        for row in 0..<rows where run > 0 {
          let start = row * stride + index * run
          UnsafeMutableRawBufferPointer(rebasing: bytes[row * run..<(row + 1) * run])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: from[start..<start + run]))
        }
      }
    }
  }

  /// Tensors of one type and shape, side by side along a new axis.
  /// - Throws: ``TensorError`` if they differ, there are none, or elements are smaller than a byte.
  package init(stacking parts: [Tensor], along axis: Int) throws {
    guard let first = parts.first, 0...first.shape.rank ~= axis, first.elementType.bitWidth >= 8,
      first.elementType != .sequence
    else {
      throw TensorError(.tooManyElements(parts.first?.shape.dims ?? []))
    }
    for part in parts where part.elementType != first.elementType || part.shape != first.shape {
      throw TensorError(
        .byteCountMismatch(
          expected: first.byteCount, found: part.byteCount, first.elementType, first.shape))
    }
    let parts = try Tensor.sharingTable(parts)
    var dims = first.shape.dims
    dims.insert(parts.count, at: axis)
    let run = first.shape.dims[axis...].reduce(first.elementType.bitWidth / 8, *)
    let rows = first.shape.dims[..<axis].reduce(1, *)
    let shape = try Shape(checking: dims)
    try self.init(elementType: first.elementType, shape: shape, table: parts[0].table) { bytes in
      if bytes.isEmpty { return }
      for (position, part) in parts.enumerated() {
        part.withUnsafeBytes { from in
          for row in 0..<rows where run > 0 {
            let start = (row * parts.count + position) * run
            UnsafeMutableRawBufferPointer(rebasing: bytes[start..<start + run])
              .copyMemory(from: UnsafeRawBufferPointer(rebasing: from[row * run..<(row + 1) * run]))
          }
        }
      }
    }
  }

  /// The elements of a range along `axis`; copied, so that they do not keep the bytes of the
  /// whole.
  /// - Throws: ``TensorError`` if there is no such axis or range, or elements are smaller than a byte.
  package func part(_ range: Range<Int>, along axis: Int) throws -> Tensor {
    guard shape.dims.indices.contains(axis), range.lowerBound >= 0, range.upperBound <= shape.dims[axis],
      elementType.bitWidth >= 8
    else { throw TensorError(.tooManyElements(shape.dims)) }
    var dims = shape.dims
    dims[axis] = range.count
    let part = try Shape(checking: dims)
    if range.count == shape.dims[axis] { return self }
    let inner = shape.dims[(axis + 1)...].reduce(elementType.bitWidth / 8, *)
    let rows = shape.dims[..<axis].reduce(1, *)
    let (stride, run) = (inner * shape.dims[axis], inner * range.count)
    return try Tensor(elementType: elementType, shape: part, table: table) { bytes in
      // Without bytes, the number of rows has no bound.
      if bytes.isEmpty { return }
      withUnsafeBytes { from in
        for row in 0..<rows {
          let start = row * stride + inner * range.lowerBound
          UnsafeMutableRawBufferPointer(rebasing: bytes[row * run..<(row + 1) * run])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: from[start..<start + run]))
        }
      }
    }
  }

  /// Tensors of one type, one behind the other along `axis`; `shape` is that of the result.
  /// - Throws: ``TensorError`` if they do not make up that shape, or elements are smaller than a byte.
  package init(joining parts: [Tensor], along axis: Int, shape: Shape) throws {
    guard let first = parts.first, shape.dims.indices.contains(axis), first.elementType.bitWidth >= 8,
      first.elementType != .sequence
    else { throw TensorError(.tooManyElements(shape.dims)) }
    var size = 0
    for part in parts {
      var dims = part.shape.dims
      guard part.elementType == first.elementType, dims.indices.contains(axis) else {
        throw TensorError(.elementTypeMismatch(expected: first.elementType, found: part.elementType))
      }
      let (sum, overflow) = size.addingReportingOverflow(dims[axis])
      dims[axis] = shape.dims[axis]
      guard !overflow, dims == shape.dims else { throw TensorError(.tooManyElements(part.shape.dims)) }
      size = sum
    }
    guard size == shape.dims[axis] else { throw TensorError(.tooManyElements(shape.dims)) }
    let parts = try Tensor.sharingTable(parts)
    try self.init(elementType: first.elementType, shape: shape, table: parts[0].table) { bytes in
      if bytes.isEmpty { return }
      let inner = shape.dims[(axis + 1)...].reduce(first.elementType.bitWidth / 8, *)
      let rows = shape.dims[..<axis].reduce(1, *)
      let stride = inner * shape.dims[axis]
      var before = 0
      for part in parts {
        let run = inner * part.shape.dims[axis]
        part.withUnsafeBytes { from in
          for row in 0..<rows where run > 0 {
            let start = row * stride + before
            UnsafeMutableRawBufferPointer(rebasing: bytes[start..<start + run])
              .copyMemory(from: UnsafeRawBufferPointer(rebasing: from[row * run..<(row + 1) * run]))
          }
        }
        before += run
      }
    }
  }
}
