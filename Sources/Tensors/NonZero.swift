/// The number of elements that are not zero in dense `bytes` of a type; a trailing part of an element is ignored.
public func countNonZero(_ bytes: UnsafeRawBufferPointer, _ type: ElementType) -> Int {
  func count<Element: BitwiseCopyable>(_: Element.Type, _ isNonZero: (Element) -> Bool) -> Int {
    let size = MemoryLayout<Element>.size
    return (0..<bytes.count / size).reduce(0) { total, index in
      // Unaligned: the bytes may be a slice of a file.
      total + (isNonZero(bytes.loadUnaligned(fromByteOffset: index * size, as: Element.self)) ? 1 : 0)
    }
  }
  // A negative zero is zero: the sign bit of a float does not count.
  switch type {
  case .float32: return count(UInt32.self) { $0 & 0x7fff_ffff != 0 }
  case .float64: return count(UInt64.self) { $0 & 0x7fff_ffff_ffff_ffff != 0 }
  case .float16, .bfloat16: return count(UInt16.self) { $0 & 0x7fff != 0 }
  case .int8, .uint8, .bool: return count(UInt8.self) { $0 != 0 }
  case .int16, .uint16: return count(UInt16.self) { $0 != 0 }
  case .int32, .uint32: return count(UInt32.self) { $0 != 0 }
  case .int64, .uint64: return count(UInt64.self) { $0 != 0 }
  case .int4, .uint4: return bytes.reduce(0) { $0 + ($1 & 0xf != 0 ? 1 : 0) + ($1 >> 4 != 0 ? 1 : 0) }
  }
}
