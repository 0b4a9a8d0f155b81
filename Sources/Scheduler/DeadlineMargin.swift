/// How much sooner than its deadline a request of a model has to be expected to be answered, to be taken.
///
/// What is expected is a mean, so about half of what is expected just in time would be late, and what is late was computed
/// for nothing. The margin grows with each answer that is late and shrinks a little with each that is in time, until one in
/// twenty is late: a quantile by stochastic approximation (H. Robbins and S. Monro, 1951).
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
