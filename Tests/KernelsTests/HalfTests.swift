import Kernels
import Testing

/// The conversions of halves against the processor's and the standard library's own.
@Suite struct HalfTests {
  @Test func everyHalfHasItsValue() {
    for bits in UInt16.min...UInt16.max {
      let expected = Float(Float16(bitPattern: bits))
      let value = halfValue(bits)
      #expect(value == expected || value.isNaN && expected.isNaN, "half \(bits)")
    }
  }

  @Test func everyHalfAndWhatLiesAroundItRounds() {
    for bits in UInt16.min...0x7bff {
      let (value, next) = (Float(Float16(bitPattern: bits)), Float(Float16(bitPattern: bits + 1)))
      let middle = bits == 0x7bff ? 65520 : (value + next) / 2
      for number in [value, middle.nextDown, middle, middle.nextUp] {
        #expect(halfBits(number) == Float16(number).bitPattern, "\(number)")
        #expect(halfBits(-number) == Float16(-number).bitPattern, "\(-number)")
      }
    }
    for number: Float in [65536, 1e10, .infinity, -.infinity, .leastNonzeroMagnitude, 1e-30] {
      #expect(halfBits(number) == Float16(number).bitPattern)
    }
    #expect(Float16(bitPattern: halfBits(.nan)).isNaN)
  }
}
