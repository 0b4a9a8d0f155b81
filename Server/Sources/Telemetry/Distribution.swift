/// A histogram: the counts of values between fixed bounds, and their sum. Adding a value costs a binary
/// search.
///
/// A value type, guarded by its owner.
public struct Distribution: Sendable, Hashable {
  /// Ascending upper bounds; a value equal to one counts there.
  public let bounds: [Double]
  /// One more than there are bounds: the last is for what exceeds them all.
  public private(set) var counts: [UInt64]
  public private(set) var sum = 0.0

  public init(bounds: [Double]) {
    self.bounds = bounds
    counts = Array(repeating: 0, count: bounds.count + 1)
  }

  public var count: UInt64 { counts.reduce(0, &+) }

  /// Counts one value; what is no finite number is left out.
  public mutating func add(_ value: Double) {
    guard value.isFinite else { return }
    var (low, high) = (0, bounds.count)
    while low < high {
      let middle = (low + high) / 2
      if bounds[middle] < value { low = middle + 1 } else { high = middle }
    }
    counts[low] &+= 1
    sum += value
  }

  /// The value below which a share of the values lies, interpolated inside its bucket; `nil` when there are none.
  /// - Parameter share: from 0 to 1.
  public func quantile(_ share: Double) -> Double? {
    let total = count
    guard total > 0 else { return nil }
    let wanted = min(max(share, 0), 1) * Double(total)
    var below = 0.0
    for (index, count) in counts.enumerated() where count > 0 {
      let next = below + Double(count)
      if next >= wanted {
        guard index < bounds.count else { return bounds.last }
        let lower = index > 0 ? bounds[index - 1] : 0
        return lower + (bounds[index] - lower) * max(0, wanted - below) / Double(count)
      }
      below = next
    }
    return bounds.last
  }

  /// Returns the number of values that were at most each of `limits`, which are among ``bounds``: the
  /// cumulative buckets of an exposition.
  public func cumulative(_ limits: [Double]) -> [UInt64] {
    var (index, below) = (0, UInt64(0))
    return limits.map { limit in
      while index < bounds.count, bounds[index] <= limit {
        below &+= counts[index]
        index += 1
      }
      return below
    }
  }
}

extension Distribution {
  /// Ten bounds a decade (the R10 series of preferred numbers) from 10 µs to 100 s, in seconds: fine enough for
  /// percentiles that are right within an eighth.
  public static let fineSeconds: [Double] =
    [-5, -4, -3, -2, -1, 0, 1].flatMap { decade in
      [1, 1.25, 1.6, 2, 2.5, 3.15, 4, 5, 6.3, 8].map { scaled($0, decade) }
    } + [100]

  /// Three of each decade of ``fineSeconds``: what is handed to a time-series database.
  public static let coarseSeconds: [Double] =
    [-5, -4, -3, -2, -1, 0, 1].flatMap { decade in [1, 2.5, 5].map { scaled($0, decade) } } + [100]

  /// Written as decimal text and read back, so that a bound prints as it is meant.
  private static func scaled(_ mantissa: Double, _ decade: Int) -> Double {
    Double("\(mantissa)e\(decade)") ?? 0
  }
}
