/// A floating-point format of at most eight bits, with a sign, like `float8E4M3FN`
/// (<https://onnx.ai/onnx/technical/float8.html>, <https://onnx.ai/onnx/technical/float4.html>).
protocol SmallFloat {
  static var fractionBits: UInt32 { get }
  static var bias: UInt32 { get }
  static var sign: UInt32 { get }
  /// The largest finite number.
  static var largest: UInt32 { get }
  /// The code of an infinity, or of what the format has in its place.
  static var infinity: UInt32 { get }
  static var nan: UInt32 { get }
  /// True when the sign bit alone is a zero.
  static var hasNegativeZero: Bool { get }
}

/// `bias` 7, largest 448.
enum E4M3FN: SmallFloat {
  static var fractionBits: UInt32 { 3 }
  static var bias: UInt32 { 7 }
  static var sign: UInt32 { 0x80 }
  static var largest: UInt32 { 0x7e }
  static var infinity: UInt32 { 0x7f }
  static var nan: UInt32 { 0x7f }
  static var hasNegativeZero: Bool { true }
}

/// `bias` 8, largest 240.
enum E4M3FNUZ: SmallFloat {
  static var fractionBits: UInt32 { 3 }
  static var bias: UInt32 { 8 }
  static var sign: UInt32 { 0x80 }
  static var largest: UInt32 { 0x7f }
  static var infinity: UInt32 { 0x80 }
  static var nan: UInt32 { 0x80 }
  static var hasNegativeZero: Bool { false }
}

/// `bias` 15, largest 57344.
enum E5M2: SmallFloat {
  static var fractionBits: UInt32 { 2 }
  static var bias: UInt32 { 15 }
  static var sign: UInt32 { 0x80 }
  static var largest: UInt32 { 0x7b }
  static var infinity: UInt32 { 0x7c }
  static var nan: UInt32 { 0x7e }
  static var hasNegativeZero: Bool { true }
}

/// `bias` 16, largest 57344.
enum E5M2FNUZ: SmallFloat {
  static var fractionBits: UInt32 { 2 }
  static var bias: UInt32 { 16 }
  static var sign: UInt32 { 0x80 }
  static var largest: UInt32 { 0x7f }
  static var infinity: UInt32 { 0x80 }
  static var nan: UInt32 { 0x80 }
  static var hasNegativeZero: Bool { false }
}

/// `bias` 1, largest 6. NaN becomes the negative zero, as in ONNX's reference implementation.
enum E2M1: SmallFloat {
  static var fractionBits: UInt32 { 1 }
  static var bias: UInt32 { 1 }
  static var sign: UInt32 { 8 }
  static var largest: UInt32 { 7 }
  static var infinity: UInt32 { 7 }
  static var nan: UInt32 { 8 }
  static var hasNegativeZero: Bool { true }
}

extension SmallFloat {
  /// The number nearest to `value`, ties to even.
  /// - Parameter saturates: whether a number beyond the largest one, or an infinity, becomes the largest one. Otherwise it
  ///   becomes an infinity or, in formats without one, NaN.
  @inline(__always) static func code(_ value: Float, saturates: Bool) -> UInt8 {
    let bits = value.bitPattern
    let magnitude = bits & 0x7fff_ffff
    let shift = 23 - fractionBits
    // Below the smallest normal number: adding a number whose last bit is worth the smallest one rounds the fraction.
    let half = Float(bitPattern: (151 &- bias &- fractionBits) << 23)
    let small = (Float(bitPattern: magnitude) + half).bitPattern &- half.bitPattern
    // The exponent's bias changes; half of the last kept bit, less one unless that is odd, is added.
    let halfStep: UInt32 = (1 << (shift &- 1)) &- 1 &+ ((magnitude >> shift) & 1)
    let normal = (magnitude &- ((127 &- bias) << 23) &+ halfStep) >> shift
    let rounded = magnitude < (128 &- bias) << 23 ? small : normal
    let finite = rounded > largest ? (saturates ? largest : infinity) : rounded
    let code = magnitude > 0x7f80_0000 ? nan : finite
    let signed = code | (bits >> 31) &* sign
    return UInt8(truncatingIfNeeded: code == 0 && !hasNegativeZero ? 0 : signed)
  }

  /// The number of a code.
  @inline(__always) static func value(_ code: UInt8) -> Float {
    let bits = UInt32(code)
    let magnitude = bits & (sign &- 1)
    let shift = 23 - fractionBits
    let normal = (magnitude << shift) &+ ((127 &- bias) << 23)
    // Subnormals are whole numbers of the smallest one.
    let smallest = Float(bitPattern: (128 &- bias &- fractionBits) << 23)
    let small = (Float(Int32(bitPattern: magnitude)) * smallest).bitPattern
    var value = magnitude < 1 << fractionBits ? small : normal
    if magnitude > largest { value = magnitude == infinity && infinity != nan ? 0x7f80_0000 : 0x7fc0_0000 }
    if !hasNegativeZero, bits == sign { value = 0x7fc0_0000 }
    return Float(bitPattern: value | (bits & sign != 0 ? 0x8000_0000 : 0))
  }
}
