import Tensors

/// The ends of an element type's range.
enum TypeRange {
  /// The bytes of the lowest or the highest element; `nil` for the types that nothing is
  /// computed with. Infinities are in the range.
  static func end(of type: ElementType, highest: Bool) -> [UInt8]? {
    func integer<Element: FixedWidthInteger>(_: Element.Type) -> [UInt8] {
      withUnsafeBytes(of: highest ? Element.max : Element.min) { Array($0) }
    }
    func bytes<Element: BitwiseCopyable>(_ value: Element) -> [UInt8] {
      withUnsafeBytes(of: value) { Array($0) }
    }
    switch type {
    case .float32: return bytes(highest ? Float.infinity : -Float.infinity)
    case .float64: return bytes(highest ? Double.infinity : -Double.infinity)
    case .float16: return bytes((highest ? Float16.infinity : -Float16.infinity).bitPattern)
    case .bfloat16: return bytes(BFloat16(highest ? Float.infinity : -Float.infinity))
    case .int8: return integer(Int8.self)
    case .int16: return integer(Int16.self)
    case .int32: return integer(Int32.self)
    case .int64: return integer(Int64.self)
    case .uint8: return integer(UInt8.self)
    case .uint16: return integer(UInt16.self)
    case .uint32: return integer(UInt32.self)
    case .uint64: return integer(UInt64.self)
    case .bool: return [highest ? 1 : 0]
    case .int4, .uint4, .int2, .uint2: return nil
    case .float8E4M3FN, .float8E4M3FNUZ, .float8E5M2, .float8E5M2FNUZ, .float8E8M0, .float4E2M1: return nil
    case .sequence: return nil
    case .string: return nil
    }
  }
}
