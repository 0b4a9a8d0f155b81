/// Four complex numbers side by side, each of another transform.
struct ComplexLanes: BitwiseCopyable {
  var real: SIMD4<Double>
  var imaginary: SIMD4<Double>

  static let zero = ComplexLanes(real: .zero, imaginary: .zero)
  /// Numbers that it is made of: the real parts, then the imaginary ones.
  static let width = 8

  @inline(__always) static func + (a: Self, b: Self) -> Self {
    Self(real: a.real + b.real, imaginary: a.imaginary + b.imaginary)
  }
  @inline(__always) static func - (a: Self, b: Self) -> Self {
    Self(real: a.real - b.real, imaginary: a.imaginary - b.imaginary)
  }
  @inline(__always) static func * (a: Self, factor: Double) -> Self {
    Self(real: a.real * factor, imaginary: a.imaginary * factor)
  }
  @inline(__always) static func * (a: Self, b: (real: Double, imaginary: Double)) -> Self {
    Self(
      real: a.real * b.real - a.imaginary * b.imaginary,
      imaginary: a.real * b.imaginary + a.imaginary * b.real)
  }
  /// The number times −i.
  @inline(__always) var turned: Self { Self(real: imaginary, imaginary: -real) }
  /// Real and imaginary parts exchanged. A transform of exchanged numbers is the inverse one, exchanged and not scaled.
  @inline(__always) var exchanged: Self { Self(real: imaginary, imaginary: real) }
}

/// Complex numbers in a table: real and imaginary parts by turns.
struct ComplexTable {
  let numbers: UnsafeMutablePointer<Double>

  @inline(__always) subscript(index: Int) -> (real: Double, imaginary: Double) {
    get { (numbers[2 &* index], numbers[2 &* index &+ 1]) }
    nonmutating set { (numbers[2 &* index], numbers[2 &* index &+ 1]) = newValue }
  }

  /// e^(−2πi · turn / turns).
  static func root(_ turn: Int, of turns: Int) -> (real: Double, imaginary: Double) {
    let angle = 2 * Double.pi * Double(turn) / Double(turns)
    return (Double.trigonometric(.cosine, angle), -Double.trigonometric(.sine, angle))
  }
}

/// Fourier transforms of a length that is a product of small primes: Stockham's algorithm, which needs no sorting, by the
/// factors 4, 2, 3, 5, ….
struct MixedRadix: Sendable {
  let length: Int
  private let factors: [Int]
  /// Larger prime factors are slower than a transform of another length.
  private static let largestFactor = 31
  /// Numbers of scratch memory beside data and work: half sums and differences of one butterfly.
  static let spare = largestFactor

  /// - Returns: `nil` for a length with a large prime factor.
  init?(_ length: Int) {
    var (rest, factors) = (length, [Int]())
    for factor in [4, 2] + stride(from: 3, through: Self.largestFactor, by: 2) {
      while rest % factor == 0, rest > 1 {
        factors.append(factor)
        rest /= factor
      }
    }
    guard length > 0, rest == 1 else { return nil }
    (self.length, self.factors) = (length, factors)
  }

  func makeRoots(_ roots: ComplexTable) {
    for turn in 0..<length { roots[turn] = ComplexTable.root(turn, of: length) }
  }

  /// Transforms `data`. `work` is of the same length.
  /// - Returns: the one of the two that has the result.
  func transform(
    _ data: UnsafeMutablePointer<ComplexLanes>, _ work: UnsafeMutablePointer<ComplexLanes>,
    _ roots: ComplexTable, _ spare: UnsafeMutablePointer<ComplexLanes>
  ) -> UnsafeMutablePointer<ComplexLanes> {
    var (from, to, run) = (data, work, 1)
    for factor in factors {
      switch factor {
      case 4: four(from, to, run, roots)
      case 2: two(from, to, run, roots)
      default: odd(factor, from, to, run, roots, spare)
      }
      swap(&from, &to)
      run &*= factor
    }
    return from
  }

  private typealias Numbers = UnsafeMutablePointer<ComplexLanes>

  private func two(_ from: Numbers, _ to: Numbers, _ run: Int, _ roots: ComplexTable) {
    let half = length / 2
    for first in stride(from: 0, to: half, by: run) {
      let root = roots[first]
      let (a, b, target) = (from + first, from + first + half, to + 2 &* first)
      for place in 0..<run {
        target[place] = a[place] + b[place]
        target[place &+ run] = (a[place] - b[place]) * root
      }
    }
  }

  private func four(_ from: Numbers, _ to: Numbers, _ run: Int, _ roots: ComplexTable) {
    let quarter = length / 4
    for first in stride(from: 0, to: quarter, by: run) {
      let (root1, root2, root3) = (roots[first], roots[2 &* first], roots[3 &* first])
      let (a, target) = (from + first, to + 4 &* first)
      for place in 0..<run {
        let (a0, a1) = (a[place], a[place &+ quarter])
        let (a2, a3) = (a[place &+ 2 &* quarter], a[place &+ 3 &* quarter])
        let (evenSum, evenDifference, oddSum) = (a0 + a2, a0 - a2, a1 + a3)
        let oddDifference = (a1 - a3).turned
        target[place] = evenSum + oddSum
        target[place &+ run] = (evenDifference + oddDifference) * root1
        target[place &+ 2 &* run] = (evenSum - oddSum) * root2
        target[place &+ 3 &* run] = (evenDifference - oddDifference) * root3
      }
    }
  }

  /// Frequencies k and p − k share the cosines, and their sines differ by the sign.
  private func odd(
    _ factor: Int, _ from: Numbers, _ to: Numbers, _ run: Int, _ roots: ComplexTable, _ spare: Numbers
  ) {
    let (part, half) = (length / factor, factor / 2)
    let (sums, differences) = (spare, spare + half)
    for first in stride(from: 0, to: part, by: run) {
      for place in 0..<run {
        let (source, target) = (from + first + place, to + factor &* first + place)
        let start = source.pointee
        var total = start
        for number in 1...half {
          let (a, b) = (source[number &* part], source[(factor &- number) &* part])
          sums[number &- 1] = a + b
          differences[number &- 1] = (a - b).turned
          total = total + sums[number &- 1]
        }
        target.pointee = total
        for frequency in 1...half {
          var (even, odd, turn) = (start, ComplexLanes.zero, 0)
          for number in 0..<half {
            turn &+= frequency
            if turn >= factor { turn &-= factor }
            let root = roots[turn &* part]
            even = even + sums[number] * root.real
            odd = odd - differences[number] * root.imaginary
          }
          target[frequency &* run] = (even + odd) * roots[frequency &* first]
          target[(factor &- frequency) &* run] = (even - odd) * roots[(factor &- frequency) &* first]
        }
      }
    }
  }
}
