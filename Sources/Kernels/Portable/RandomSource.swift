/// Random numbers by index: SplitMix64 (Steele, Lea and Flood, 2014), whose state after any number of steps is a product.
///
/// A number depends on the seed and its index alone, so the order in which numbers are made does not matter.
struct RandomSource: Sendable {
  private let start: UInt64

  init(seed: Int) {
    // Mixed, so that neighbouring seeds do not give shifted copies of one sequence.
    start = RandomSource.mixed(UInt64(bitPattern: Int64(seed)) &+ 0x9e37_79b9_7f4a_7c15)
  }

  @inline(__always) func bits(_ index: Int) -> UInt64 {
    RandomSource.mixed(start &+ (UInt64(truncatingIfNeeded: index) &+ 1) &* 0x9e37_79b9_7f4a_7c15)
  }

  /// A number of at least 0 and less than 1, a multiple of 2⁻⁵³.
  @inline(__always) func unit(_ index: Int) -> Double { Double(bits(index) >> 11) * 0x1p-53 }

  @inline(__always) private static func mixed(_ state: UInt64) -> UInt64 {
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
