/// The type of a tensor's elements.
public enum ElementType: String, Sendable, Hashable, Codable {
  case float32, float64, float16, bfloat16
  case int8, int16, int32, int64
  case uint8, uint16, uint32, uint64
  case bool
  /// Two elements a byte, the first in the low bits.
  case int4, uint4
  /// Four elements a byte, the first in the low bits.
  case int2, uint2
  /// Eight bits: a sign, four or five bits of exponent, the rest fraction. `FN` has no infinities; `FNUZ` has neither
  /// infinities nor a negative zero (<https://onnx.ai/onnx/technical/float8.html>).
  case float8E4M3FN, float8E4M3FNUZ, float8E5M2, float8E5M2FNUZ
  /// A power of two from 2⁻¹²⁷ to 2¹²⁷, or NaN: the scale of a block of small numbers.
  case float8E8M0
  /// A sign, two bits of exponent, one of fraction, all of them finite. Two elements a byte, the first in the low bits.
  case float4E2M1
  /// A list of tensors, or an optional: a scalar. ``Tensor/list`` has the elements; memory has a handle of eight bytes.
  case sequence
  /// A text of any bytes, UTF-8 as a rule. An element is a handle of eight bytes: an index into a ``StringTable``.
  case string

  /// Bits that one element takes in memory.
  public var bitWidth: Int {
    switch self {
    case .int2, .uint2: 2
    case .int4, .uint4, .float4E2M1: 4
    case .int8, .uint8, .bool, .float8E4M3FN, .float8E4M3FNUZ, .float8E5M2, .float8E5M2FNUZ, .float8E8M0: 8
    case .int16, .uint16, .float16, .bfloat16: 16
    case .float32, .int32, .uint32: 32
    case .float64, .int64, .uint64: 64
    case .sequence: 64
    case .string: 64
    }
  }

  /// True when several elements share a byte.
  public var isPacked: Bool { bitWidth < 8 }

  /// Bytes that `count` dense elements take; `nil` when that does not fit an `Int`.
  public func byteCount(of count: Int) -> Int? {
    if isPacked {
      let perByte = 8 / bitWidth
      return count / perByte + (count % perByte == 0 ? 0 : 1)
    }
    let (bytes, overflow) = count.multipliedReportingOverflow(by: bitWidth / 8)
    return overflow ? nil : bytes
  }

  /// True for the IEEE and brain floating-point types, and for the small ones.
  public var isFloatingPoint: Bool {
    switch self {
    case .float32, .float64, .float16, .bfloat16: true
    default: isSmallFloat
    }
  }

  /// True for the floating-point types of at most eight bits, which are stored and cast but not computed with.
  public var isSmallFloat: Bool {
    switch self {
    case .float8E4M3FN, .float8E4M3FNUZ, .float8E5M2, .float8E5M2FNUZ, .float8E8M0, .float4E2M1: true
    default: false
    }
  }

  /// True for the signed and unsigned integers (not for `bool`).
  public var isInteger: Bool {
    switch self {
    case .bool: false
    case .sequence: false
    case .string: false
    default: !isFloatingPoint
    }
  }

  /// True if elements are handles, which mean nothing without the table that they index.
  public var isHandle: Bool {
    switch self {
    case .string: true
    case .sequence: true
    default: false
    }
  }
}

extension ElementType: CaseIterable {
  /// The types of elements that a tensor has beside each other: all but ``sequence``.
  public static let allCases: [ElementType] = [
    .float32, .float64, .float16, .bfloat16, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64,
    .bool,
    .int4, .uint4, .int2, .uint2, .float8E4M3FN, .float8E4M3FNUZ, .float8E5M2, .float8E5M2FNUZ, .float8E8M0,
    .float4E2M1, .string,
  ]
}
