/// The type of a tensor's elements.
public enum ElementType: String, Sendable, Hashable, Codable, CaseIterable {
  case float32, float64, float16, bfloat16
  case int8, int16, int32, int64
  case uint8, uint16, uint32, uint64
  case bool
  /// Two elements a byte, the first in the low bits.
  case int4, uint4

  /// Bits that one element takes in memory.
  public var bitWidth: Int {
    switch self {
    case .int4, .uint4: 4
    case .int8, .uint8, .bool: 8
    case .int16, .uint16, .float16, .bfloat16: 16
    case .float32, .int32, .uint32: 32
    case .float64, .int64, .uint64: 64
    }
  }

  /// Bytes that `count` dense elements take; `nil` when that does not fit an `Int`.
  public func byteCount(of count: Int) -> Int? {
    if bitWidth == 4 { return count / 2 + count % 2 }
    let (bytes, overflow) = count.multipliedReportingOverflow(by: bitWidth / 8)
    return overflow ? nil : bytes
  }

  /// True for the IEEE and brain floating-point types.
  public var isFloatingPoint: Bool {
    switch self {
    case .float32, .float64, .float16, .bfloat16: true
    default: false
    }
  }

  /// True for the signed and unsigned integers (not for `bool`).
  public var isInteger: Bool { !isFloatingPoint && self != .bool }
}
