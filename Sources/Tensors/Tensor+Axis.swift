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
    return try Tensor(elementType: elementType, shape: part) { bytes in
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
    guard let first = parts.first, 0...first.shape.rank ~= axis, first.elementType.bitWidth >= 8 else {
      throw TensorError(.tooManyElements(parts.first?.shape.dims ?? []))
    }
    for part in parts where part.elementType != first.elementType || part.shape != first.shape {
      throw TensorError(
        .byteCountMismatch(
          expected: first.byteCount, found: part.byteCount, first.elementType, first.shape))
    }
    var dims = first.shape.dims
    dims.insert(parts.count, at: axis)
    let run = first.shape.dims[axis...].reduce(first.elementType.bitWidth / 8, *)
    let rows = first.shape.dims[..<axis].reduce(1, *)
    try self.init(elementType: first.elementType, shape: try Shape(checking: dims)) { bytes in
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
}
