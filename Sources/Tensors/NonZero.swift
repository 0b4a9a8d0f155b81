/// The number of elements that are not zero in dense `bytes` of a type; a trailing part of an element is ignored.
public func countNonZero(_ bytes: UnsafeRawBufferPointer, _ type: ElementType) -> Int {
  var count = 0
  forEachNonZero(bytes, type) { _ in count += 1 }
  return count
}

/// Writes the indices of the elements that are not zero as ONNX `NonZero` lays them out: a row for each axis, a column for
/// each element, in the order of the elements. A scalar has one row.
/// - Parameters:
///   - columns: the length of a row of `target`; no more elements than that are written.
///   - target: at least `columns` times the rank of `shape`.
/// - Returns: the number of elements that are not zero.
public func writeNonZero(
  _ bytes: UnsafeRawBufferPointer, _ type: ElementType, _ shape: Shape,
  to target: UnsafeMutableBufferPointer<Int64>, columns: Int
) -> Int {
  let (dims, strides) = shape.rank == 0 ? ([1], [1]) : (shape.dims, shape.strides)
  var found = 0
  forEachNonZero(bytes, type) { index in
    if found < columns {
      for axis in dims.indices {
        target[axis * columns + found] = Int64(index / strides[axis] % dims[axis])
      }
    }
    found += 1
  }
  return found
}

/// Calls `body` with the index of each element that is not zero, in order.
@inline(__always)
private func forEachNonZero(_ bytes: UnsafeRawBufferPointer, _ type: ElementType, _ body: (Int) -> Void) {
  func visit<Element: BitwiseCopyable>(_: Element.Type, _ isNonZero: (Element) -> Bool) {
    let size = MemoryLayout<Element>.size
    for index in 0..<bytes.count / size {
      // Unaligned: the bytes may be a slice of a file.
      if isNonZero(bytes.loadUnaligned(fromByteOffset: index * size, as: Element.self)) { body(index) }
    }
  }
  // A negative zero is zero: the sign bit of a float does not count.
  switch type {
  case .float32: visit(UInt32.self) { $0 & 0x7fff_ffff != 0 }
  case .float64: visit(UInt64.self) { $0 & 0x7fff_ffff_ffff_ffff != 0 }
  case .float16, .bfloat16: visit(UInt16.self) { $0 & 0x7fff != 0 }
  // The sign bit alone is NaN in the `FNUZ` types, and no code of `float8E8M0` is zero.
  case .int8, .uint8, .bool, .float8E4M3FNUZ, .float8E5M2FNUZ: visit(UInt8.self) { $0 != 0 }
  case .float8E4M3FN, .float8E5M2: visit(UInt8.self) { $0 & 0x7f != 0 }
  case .float8E8M0: visit(UInt8.self) { _ in true }
  case .int16, .uint16: visit(UInt16.self) { $0 != 0 }
  case .int32, .uint32: visit(UInt32.self) { $0 != 0 }
  case .int64, .uint64: visit(UInt64.self) { $0 != 0 }
  case .sequence: break
  case .string: visit(UInt64.self) { $0 != 0 }
  case .int4, .uint4, .float4E2M1:
    let mask: UInt8 = type == .float4E2M1 ? 7 : 0xf
    for (index, byte) in bytes.enumerated() {
      if byte & mask != 0 { body(2 * index) }
      if byte >> 4 & mask != 0 { body(2 * index + 1) }
    }
  case .int2, .uint2:
    for (index, byte) in bytes.enumerated() {
      for place in 0..<4 where byte >> (2 * place) & 3 != 0 { body(4 * index + place) }
    }
  }
}
