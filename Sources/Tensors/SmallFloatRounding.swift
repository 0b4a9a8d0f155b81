/// The rules by which numbers become `float8…`: ONNX `Cast`'s attributes `saturate` and `round_mode`.
public struct SmallFloatRounding: Sendable, Hashable, Codable {
  /// The power of two that a positive number between two becomes; names as in ONNX.
  public enum Powers: String, Sendable, Hashable, Codable {
    /// The larger one.
    case up
    /// The smaller one.
    case down
    /// The nearer one; the larger one in the middle.
    case nearest
  }

  /// True when numbers beyond the largest one become the largest one; otherwise they become infinite or NaN.
  public var saturates: Bool
  /// The rounding to `float8E8M0`.
  public var powers: Powers

  public init(saturates: Bool = true, powers: Powers = .up) {
    self.saturates = saturates
    self.powers = powers
  }

  /// ONNX's defaults.
  public static let standard = SmallFloatRounding()
}

/// The format of `float8E8M0`: the exponent of a `Float`, so that 0 is 2⁻¹²⁷ and 255 is NaN.
enum E8M0 {
  /// The power of two that `value` becomes.
  ///
  /// ONNX leaves negative numbers open: they count as below the smallest power. Nothing here computes with subnormals,
  /// which a thread may have set to count as zero.
  @inline(__always) static func code(_ value: Float, _ rounding: SmallFloatRounding) -> UInt8 {
    let bits = value.bitPattern
    let magnitude = bits & 0x7fff_ffff
    if magnitude > 0x7f80_0000 { return 0xff }
    // 2⁻¹²⁷ is subnormal as a float, and 2¹²⁷ is the last finite power.
    if bits >> 31 == 1 || magnitude < 0x0040_0000 { return rounding.saturates ? 0 : 0xff }
    if magnitude > 0x7f00_0000 { return rounding.saturates ? 0xfe : 0xff }
    let exponent = magnitude >> 23
    // Twice the fraction of a subnormal is one below 2⁻¹²⁶, in units of 2⁻¹²⁷.
    let fraction = exponent == 0 ? (magnitude << 1) & 0x7f_ffff : magnitude & 0x7f_ffff
    let isUp =
      switch rounding.powers {
      case .up: fraction != 0
      case .down: false
      case .nearest: fraction >= 0x40_0000
      }
    return UInt8(truncatingIfNeeded: exponent &+ (isUp ? 1 : 0))
  }

  @inline(__always) static func value(_ code: UInt8) -> Float {
    if code == 0xff { return .nan }
    return Float(bitPattern: code == 0 ? 0x0040_0000 : UInt32(code) << 23)
  }
}
