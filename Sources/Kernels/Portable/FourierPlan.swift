/// Fourier transforms of any one length, four side by side, in time that grows with n log n.
///
/// A length with a large prime factor is transformed by Bluestein's algorithm: with nk = (n² + k² − (k − n)²) / 2, the
/// transform becomes a convolution with the chirp e^(πi·n²/N), which transforms of a longer length compute.
struct FourierPlan: Sendable {
  let length: Int
  private let radix: MixedRadix
  private var isChirped: Bool { radix.length != length }

  /// - Returns: `nil` for a length that memory cannot hold.
  init?(_ length: Int) {
    guard length > 0, length < 1 << 40 else { return nil }
    guard let radix = MixedRadix(length) ?? MixedRadix(Self.longer(2 * length - 1)) else { return nil }
    (self.length, self.radix) = (length, radix)
  }

  /// The least number of the forms 2ᵏ, 3 · 2ᵏ and 5 · 2ᵏ that is not less than `count`.
  private static func longer(_ count: Int) -> Int {
    [1, 3, 5].reduce(Int.max) { least, odd in
      var number = odd
      while number < count { number *= 2 }
      return min(least, number)
    }
  }

  // MARK: Memory

  /// Complex numbers of the tables: roots, and of a chirp itself and its spectrum.
  private var tableCount: Int { isChirped ? 2 * radix.length + length : radix.length }
  var tableBytes: Int { alignedScratch(tableCount * 2 * MemoryLayout<Double>.stride) }
  var workBytes: Int {
    alignedScratch((2 * radix.length + MixedRadix.spare) * MemoryLayout<ComplexLanes>.stride)
  }

  /// A bound on the memory of a plan for any length up to `length`.
  static func mostBytes(_ length: Int) -> Int {
    // A longer length is less than 4 times as long, and data and work take most.
    let (bytes, overflow) = length.multipliedReportingOverflow(by: 4 * 3 * MemoryLayout<ComplexLanes>.stride)
    return overflow ? Int.max / 4 : bytes + 1 << 16
  }

  func makeTables(_ tables: UnsafeMutablePointer<Double>, _ work: UnsafeMutablePointer<ComplexLanes>) {
    let (roots, chirp, spectrum) = split(tables)
    radix.makeRoots(roots)
    guard isChirped else { return }
    work.update(repeating: .zero, count: radix.length)
    let scale = 1 / Double(radix.length)
    // n² modulo 2N.
    var square = 0
    for place in 0..<length {
      let root = ComplexTable.root(square, of: 2 * length)
      chirp[place] = root
      let conjugate = ComplexLanes(
        real: SIMD4(repeating: root.real * scale), imaginary: SIMD4(repeating: -root.imaginary * scale))
      work[place] = conjugate
      if place > 0 { work[radix.length &- place] = conjugate }
      square = (square &+ 2 &* place &+ 1) % (2 &* length)
    }
    let made = radix.transform(work, work + radix.length, roots, work + 2 &* radix.length)
    for place in 0..<radix.length { spectrum[place] = (made[place].real[0], made[place].imaginary[0]) }
  }

  private func split(_ tables: UnsafeMutablePointer<Double>) -> (ComplexTable, ComplexTable, ComplexTable) {
    let chirp = tables + 2 &* radix.length
    return (
      ComplexTable(numbers: tables), ComplexTable(numbers: chirp),
      ComplexTable(numbers: chirp + 2 &* length)
    )
  }

  // MARK: Transform

  /// Transforms the first ``length`` numbers of `work`.
  /// - Returns: the place in `work` of the result.
  func transform(_ work: UnsafeMutablePointer<ComplexLanes>, _ tables: UnsafeMutablePointer<Double>)
    -> UnsafeMutablePointer<ComplexLanes>
  {
    let (roots, chirp, spectrum) = split(tables)
    let (other, spare) = (work + radix.length, work + 2 &* radix.length)
    guard isChirped else { return radix.transform(work, other, roots, spare) }
    for place in 0..<length { work[place] = work[place] * chirp[place] }
    (work + length).update(repeating: .zero, count: radix.length &- length)
    let product = radix.transform(work, other, roots, spare)
    for place in 0..<radix.length { product[place] = (product[place] * spectrum[place]).exchanged }
    let result = radix.transform(product, product == work ? other : work, roots, spare)
    for place in 0..<length { result[place] = result[place].exchanged * chirp[place] }
    return result
  }
}
