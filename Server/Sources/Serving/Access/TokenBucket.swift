/// A rate of requests with some room for bursts: tokens come at a steady rate up to a number, and each request takes one.
struct TokenBucket: Sendable, Hashable {
  let rate: APIKey.Rate
  private var tokens: Double
  /// When ``tokens`` was right; nanoseconds.
  private var time: UInt64?

  /// A full one.
  init(rate: APIKey.Rate) {
    self.rate = rate
    tokens = rate.burst
  }

  /// Takes a token.
  /// - Parameter now: nanoseconds of a clock that never goes back.
  /// - Returns: how long until there is one, when there is none now.
  mutating func take(at now: UInt64) -> Duration? {
    let elapsed = time.map { now > $0 ? now - $0 : 0 } ?? 0
    time = now
    tokens = min(rate.burst, tokens + Double(elapsed) / 1e9 * rate.perSecond)
    guard tokens >= 1 else {
      // A rate may be so small that its wait is no number of nanoseconds.
      return .nanoseconds(Int64(min((1 - tokens) / rate.perSecond * 1e9, 1e18).rounded(.up)))
    }
    tokens -= 1
    return nil
  }
}
