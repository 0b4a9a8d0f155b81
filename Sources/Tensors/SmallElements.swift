extension ElementType {
  /// The type that holds every element of this one, and that processors compute with: `float32` for the small floats, an
  /// integer of eight bits for the small integers, the type itself for all others.
  package var wideType: ElementType {
    switch self {
    case .int2, .int4: .int8
    case .uint2, .uint4: .uint8
    default: isSmallFloat ? .float32 : self
    }
  }
}

/// Loops between the elements of small types and those of their ``ElementType/wideType``.
package enum SmallElements {
  /// Widens dense elements of `type`, which is a small one; the first lies in the low bits of the first byte.
  package static func widen(
    _ type: ElementType, _ from: UnsafeRawPointer, to target: UnsafeMutableRawPointer, count: Int
  ) {
    let bytes = from.assumingMemoryBound(to: UInt8.self)
    switch type {
    case .float8E4M3FN: widen(E4M3FN.self, bytes, target, count)
    case .float8E4M3FNUZ: widen(E4M3FNUZ.self, bytes, target, count)
    case .float8E5M2: widen(E5M2.self, bytes, target, count)
    case .float8E5M2FNUZ: widen(E5M2FNUZ.self, bytes, target, count)
    case .float8E8M0:
      let floats = target.assumingMemoryBound(to: Float.self)
      for index in 0..<count { floats[index] = E8M0.value(bytes[index]) }
    case .float4E2M1:
      let floats = target.assumingMemoryBound(to: Float.self)
      unpack(bytes, bits: 4, count) { floats[$0] = E2M1.value($1) }
    case .int2, .int4, .uint2, .uint4:
      let integers = target.assumingMemoryBound(to: UInt8.self)
      let bits = type.bitWidth
      // The two's complement of a sign bit is what widening it adds.
      let sign: UInt8 = type == .int2 || type == .int4 ? 1 << UInt8(bits - 1) : 0
      unpack(bytes, bits: bits, count) { integers[$0] = ($1 ^ sign) &- sign }
    default: break
    }
  }

  /// Narrows elements to the dense ones of `type`, which is a small one. Integers keep their low bits; bits of the last
  /// byte that belong to no element become zero.
  package static func narrow(
    _ from: UnsafeRawPointer, to type: ElementType, _ target: UnsafeMutableRawPointer, count: Int,
    _ rounding: SmallFloatRounding = .standard
  ) {
    let bytes = target.assumingMemoryBound(to: UInt8.self)
    let saturates = rounding.saturates
    switch type {
    case .float8E4M3FN: narrow(E4M3FN.self, from, bytes, count, saturates)
    case .float8E4M3FNUZ: narrow(E4M3FNUZ.self, from, bytes, count, saturates)
    case .float8E5M2: narrow(E5M2.self, from, bytes, count, saturates)
    case .float8E5M2FNUZ: narrow(E5M2FNUZ.self, from, bytes, count, saturates)
    case .float8E8M0:
      let floats = from.assumingMemoryBound(to: Float.self)
      for index in 0..<count { bytes[index] = E8M0.code(floats[index], rounding) }
    case .float4E2M1:
      let floats = from.assumingMemoryBound(to: Float.self)
      pack(bytes, bits: 4, count) { E2M1.code(floats[$0], saturates: true) }
    case .int2, .int4, .uint2, .uint4:
      let integers = from.assumingMemoryBound(to: UInt8.self)
      pack(bytes, bits: type.bitWidth, count) { integers[$0] }
    default: break
    }
  }

  private static func widen<Format: SmallFloat>(
    _: Format.Type, _ bytes: UnsafePointer<UInt8>, _ target: UnsafeMutableRawPointer, _ count: Int
  ) {
    let floats = target.assumingMemoryBound(to: Float.self)
    for index in 0..<count { floats[index] = Format.value(bytes[index]) }
  }

  private static func narrow<Format: SmallFloat>(
    _: Format.Type, _ from: UnsafeRawPointer, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int,
    _ saturates: Bool
  ) {
    let floats = from.assumingMemoryBound(to: Float.self)
    for index in 0..<count { bytes[index] = Format.code(floats[index], saturates: saturates) }
  }

  /// Calls `body` with the index and the bits of each element.
  @inline(__always) private static func unpack(
    _ bytes: UnsafePointer<UInt8>, bits: Int, _ count: Int, _ body: (Int, UInt8) -> Void
  ) {
    if bits == 4 {
      for byte in 0..<count / 2 {
        body(2 * byte, bytes[byte] & 0xf)
        body(2 * byte + 1, bytes[byte] >> 4)
      }
      if count % 2 == 1 { body(count - 1, bytes[count / 2] & 0xf) }
    } else {
      for index in 0..<count { body(index, bytes[index >> 2] &>> (UInt8(index & 3) &* 2) & 3) }
    }
  }

  /// Writes the low bits of each element's code.
  @inline(__always) private static func pack(
    _ bytes: UnsafeMutablePointer<UInt8>, bits: Int, _ count: Int, _ code: (Int) -> UInt8
  ) {
    if bits == 4 {
      for byte in 0..<count / 2 { bytes[byte] = code(2 * byte) & 0xf | code(2 * byte + 1) &<< 4 }
      if count % 2 == 1 { bytes[count / 2] = code(count - 1) & 0xf }
    } else {
      for index in 0..<count {
        let place = UInt8(index & 3) &* 2
        let others = place == 0 ? 0 : bytes[index >> 2]
        bytes[index >> 2] = others | (code(index) & 3) &<< place
      }
    }
  }
}

extension Float {
  /// The number cut off after 24 bits, the last of which is set if anything was lost: rounding it to fewer bits then gives
  /// what rounding the whole number gives. A number that is too large becomes the largest.
  package init(roundingToOdd value: Double) {
    let bits = value.bitPattern
    let fraction = bits & 0xf_ffff_ffff_ffff
    let exponent = Int(bits >> 52 & 0x7ff) - 1023 + 127
    let magnitude: UInt32
    if exponent == 1151 {
      magnitude = fraction == 0 ? 0x7f80_0000 : 0x7fc0_0000
    } else if exponent >= 255 {
      magnitude = 0x7f7f_ffff
    } else if exponent > 0 {
      magnitude = UInt32(exponent) << 23 | UInt32(fraction >> 29) | (fraction & 0x1fff_ffff == 0 ? 0 : 1)
    } else {
      // Subnormal as a float; a double that is subnormal itself comes to the last bit alone.
      let whole = fraction | 1 << 52
      let shift = min(30 - exponent, 63)
      let kept = UInt32(whole >> UInt64(shift))
      magnitude = bits << 1 == 0 ? 0 : kept | (whole & ((1 << UInt64(shift)) - 1) == 0 ? 0 : 1)
    }
    self.init(bitPattern: magnitude | UInt32(truncatingIfNeeded: bits >> 32) & 0x8000_0000)
  }

  /// The same of an integer.
  package init(roundingToOdd value: Int64) {
    let magnitude = Float(roundingToOdd: value.magnitude)
    self = value < 0 ? -magnitude : magnitude
  }

  package init(roundingToOdd value: UInt64) {
    let lost = UInt64(max(40 - value.leadingZeroBitCount, 0))
    let kept = (value >> lost) << lost
    self.init(kept == value ? value : kept | 1 << lost)
  }
}
