/// A Swift type that has the memory layout of an ``ElementType``.
public protocol TensorElement: BitwiseCopyable, Sendable {
  /// The element type of tensors of this Swift type.
  static var elementType: ElementType { get }
}

extension Float: TensorElement { public static var elementType: ElementType { .float32 } }
extension Double: TensorElement { public static var elementType: ElementType { .float64 } }
extension Float16: TensorElement { public static var elementType: ElementType { .float16 } }
extension Int8: TensorElement { public static var elementType: ElementType { .int8 } }
extension Int16: TensorElement { public static var elementType: ElementType { .int16 } }
extension Int32: TensorElement { public static var elementType: ElementType { .int32 } }
extension Int64: TensorElement { public static var elementType: ElementType { .int64 } }
extension UInt8: TensorElement { public static var elementType: ElementType { .uint8 } }
extension UInt16: TensorElement { public static var elementType: ElementType { .uint16 } }
extension UInt32: TensorElement { public static var elementType: ElementType { .uint32 } }
extension UInt64: TensorElement { public static var elementType: ElementType { .uint64 } }
extension Bool: TensorElement { public static var elementType: ElementType { .bool } }

/// The upper half of a `Float`: eight bits of exponent, seven of fraction.
public struct BFloat16: TensorElement, Hashable {
  public static var elementType: ElementType { .bfloat16 }
  /// The sixteen bits.
  public var bitPattern: UInt16

  /// Rounds to the nearest, ties to even; a NaN stays one.
  public init(_ value: Float) {
    let bits = value.bitPattern
    bitPattern =
      value.isNaN
      ? UInt16(truncatingIfNeeded: bits >> 16) | 0x40
      : UInt16(truncatingIfNeeded: (bits &+ 0x7fff &+ ((bits >> 16) & 1)) >> 16)
  }
}

extension Float {
  /// The same number: every `BFloat16` is a `Float`.
  public init(_ value: BFloat16) { self.init(bitPattern: UInt32(value.bitPattern) << 16) }
}

extension Tensor {
  /// The elements as 64-bit integers, for shapes, axes and indices; `nil` unless the elements are integers or booleans.
  public var integers: [Int]? {
    func widened<Element: TensorElement & BinaryInteger>(_: Element.Type) -> [Int]? {
      guard let elements = try? elements(as: Element.self) else { return nil }
      return elements.map { Int(clamping: $0) }
    }
    switch elementType {
    case .int8: return widened(Int8.self)
    case .int16: return widened(Int16.self)
    case .int32: return widened(Int32.self)
    case .int64: return widened(Int64.self)
    case .uint8: return widened(UInt8.self)
    case .uint16: return widened(UInt16.self)
    case .uint32: return widened(UInt32.self)
    case .uint64: return widened(UInt64.self)
    case .bool: return withUnsafeBytes { $0.map { $0 == 0 ? 0 : 1 } }
    case .int4, .int2: return wide(Int8.self).map { Int($0) }
    case .uint4, .uint2: return wide(UInt8.self).map { Int($0) }
    default: return nil
    }
  }

  /// The elements as floats, widened or rounded; `nil` unless they are floating-point.
  public var floats: [Float]? {
    switch elementType {
    case .float32: try? elements(as: Float.self)
    case .float64: (try? elements(as: Double.self))?.map { Float($0) }
    case .float16: (try? elements(as: Float16.self))?.map { Float($0) }
    case .bfloat16: (try? elements(as: BFloat16.self))?.map { Float($0) }
    default: elementType.isSmallFloat ? wide(Float.self) : nil
    }
  }

  /// The elements of a small type, widened to `Element`, which is its ``ElementType/wideType``.
  private func wide<Element: TensorElement>(_: Element.Type) -> [Element] {
    withUnsafeBytes { bytes in
      [Element](unsafeUninitializedCapacity: shape.elementCount) { memory, count in
        count = shape.elementCount
        guard let from = bytes.baseAddress, let to = memory.baseAddress else { return }
        SmallElements.widen(elementType, from, to: UnsafeMutableRawPointer(to), count: count)
      }
    }
  }
}
