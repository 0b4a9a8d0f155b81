/// The margin by which a request of a model must be expected to meet its deadline to be admitted.
///
/// The expected time is a mean, so about half of the requests expected just in time would be late, and a late
/// answer was computed for nothing. The margin grows with each late answer and shrinks a little with each
/// timely one, until one in twenty is late: a quantile by stochastic approximation (H. Robbins and S. Monro,
/// 1951).
struct DeadlineMargin: Sendable {
  private static let share = 0.05
  private var nanoseconds = 0.0

  /// Notes what became of a request that was taken.
  /// - Parameter run: nanoseconds that a run takes in the mean: the margin is of its size.
  mutating func note(isLate: Bool, run: Double) {
    let step = run / 4
    let change = isLate ? step * (1 - Self.share) : -step * Self.share
    nanoseconds = min(max(nanoseconds + change, 0), run * 4)
  }

  /// It was measured long ago, and keeps requests from being measured.
  mutating func doubt() { nanoseconds *= 0.9 }

  /// The margin of a request that has so many nanoseconds left: never so large that none could be taken.
  func nanoseconds(ofLeft left: UInt64) -> UInt64 { min(UInt64(nanoseconds), left / 4) }
}
