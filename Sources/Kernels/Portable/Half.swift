/// The sixteen bits of the half that is nearest to `value`, ties to even: without branches, so that loops become vectors
/// also where the processor's own conversion may not be counted on.
@inline(__always)
package func halfBits(_ value: Float) -> UInt16 {
  let bits = value.bitPattern
  let magnitude = bits & 0x7fff_ffff
  // Below 2⁻¹⁴: adding 1/2 lets the float addition shift and round the fraction.
  let small = (Float(bitPattern: magnitude) + 0.5).bitPattern &- 0x3f00_0000
  // The exponent's bias changes from 127 to 15; half of the last kept bit, less one unless that is odd, is added.
  let normal = (magnitude &- 0x3800_0000 &+ 0xfff &+ ((magnitude >> 13) & 1)) >> 13
  let special: UInt32 = magnitude > 0x7f80_0000 ? 0x7e00 : 0x7c00
  let rounded = magnitude >= 0x4780_0000 ? special : magnitude < 0x3880_0000 ? small : normal
  return UInt16(truncatingIfNeeded: rounded | (bits >> 16 & 0x8000))
}

/// The value of a half, from its bits.
@inline(__always)
package func halfValue(_ bits: UInt16) -> Float {
  let magnitude = UInt32(bits & 0x7fff) << 13
  // The exponent's bias changes from 15 to 127. Subnormals are whole numbers of the smallest: none is subnormal as a float, so
  // none is taken for zero.
  let normal = magnitude &+ 0x3800_0000
  let small = (Float(Int32(bits & 0x3ff)) * 0x1p-24).bitPattern
  let value =
    bits & 0x7c00 == 0x7c00 ? magnitude | 0x7f80_0000 : bits & 0x7c00 == 0 ? small : normal
  return Float(bitPattern: value | UInt32(bits & 0x8000) << 16)
}
