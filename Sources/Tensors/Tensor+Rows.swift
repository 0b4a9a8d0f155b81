extension Tensor {
  /// The rows of several tensors one after the other: their elements along axis 0.
  /// - Throws: ``TensorError`` when they differ in type or in another size than the first, or have no axis.
  public init(rowsOf tensors: [Tensor]) throws {
    guard let first = tensors.first, !first.shape.dims.isEmpty else {
      throw TensorError(.tooManyElements(tensors.first?.shape.dims ?? []))
    }
    var rows = 0
    for tensor in tensors {
      guard tensor.elementType == first.elementType else {
        throw TensorError(.elementTypeMismatch(expected: first.elementType, found: tensor.elementType))
      }
      guard let count = tensor.shape.dims.first, tensor.shape.dims.dropFirst() == first.shape.dims.dropFirst()
      else {
        throw TensorError(
          .byteCountMismatch(
            expected: first.byteCount, found: tensor.byteCount, first.elementType, first.shape))
      }
      let (sum, overflow) = rows.addingReportingOverflow(count)
      guard !overflow else { throw TensorError(.tooManyElements(first.shape.dims)) }
      rows = sum
    }
    let shape = try Shape(checking: [rows] + first.shape.dims.dropFirst())
    let tensors = try Tensor.sharingTable(tensors)
    try self.init(elementType: first.elementType, shape: shape, table: tensors[0].table) { bytes in
      var offset = 0
      for tensor in tensors {
        tensor.withUnsafeBytes { part in
          UnsafeMutableRawBufferPointer(rebasing: bytes[offset...]).copyMemory(from: part)
        }
        offset += tensor.byteCount
      }
    }
  }

  /// Rows of a tensor that has `count` of them: a view, which keeps the bytes of the whole.
  /// - Throws: ``TensorError`` when it has another number, or the range is not in it.
  public func rows(_ range: Range<Int>, of count: Int) throws -> Tensor {
    guard shape.dims.first == count, count > 0, range.lowerBound >= 0, range.upperBound <= count else {
      throw TensorError(.byteCountMismatch(expected: count, found: shape.dims.first ?? 0, elementType, shape))
    }
    let part = try Shape(checking: [range.count] + shape.dims.dropFirst())
    return try view(of: part, from: byteCount / count * range.lowerBound)
  }
  /// The tensor with copies of its last row behind it, so that it has `count` rows.
  /// - Throws: ``TensorError`` if it has no row, more of them than that, or rows that do not begin with a byte.
  package func repeatingLastRow(to count: Int) throws -> Tensor {
    guard let rows = shape.dims.first, rows > 0, rows <= count, !elementType.isPacked else {
      throw TensorError(.byteCountMismatch(expected: count, found: shape.dims.first ?? 0, elementType, shape))
    }
    if rows == count { return self }
    let width = byteCount / rows
    let shape = try Shape(checking: [count] + shape.dims.dropFirst())
    return try Tensor(elementType: elementType, shape: shape, table: table) { bytes in
      withUnsafeBytes { from in
        UnsafeMutableRawBufferPointer(rebasing: bytes[..<byteCount]).copyMemory(from: from)
        let last = UnsafeRawBufferPointer(rebasing: from[(byteCount - width)...])
        for row in rows..<count where width > 0 {
          UnsafeMutableRawBufferPointer(rebasing: bytes[row * width..<(row + 1) * width]).copyMemory(
            from: last)
        }
      }
    }
  }
}
