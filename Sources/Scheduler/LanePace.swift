/// The time that the lanes take for work, divided by the time expected for it. It is above 1 if weights have
/// to be loaded, if lanes slow each other down, or if other processes use the machine.
///
/// Expected times of single runs are measured rarely for some models, and of warm runs. The pace is measured
/// over all work of the lanes, and so corrects errors that all expectations have in common.
package struct LanePace: Sendable {
  /// The factor by which each completed run discounts earlier measurements.
  private static let decay = 0.96
  /// So many mean runs at a pace of 1 stand for what is not known yet.
  private static let prior = 4.0
  private static let bounds = 0.5...4.0

  private var busy = 0.0
  private var expected = 0.0
  private var since: UInt64 = 0
  /// Lane time since the last end.
  private var open = 0.0

  package init() {}

  /// So many lanes were taken since this was last called.
  package mutating func passed(until now: UInt64, lanes: Int) {
    if now > since, since > 0 { open += Double(now - since) * Double(lanes) }
    since = max(since, now)
  }

  /// A run has ended that was expected to take `work` nanoseconds; `nil`: nothing was known of it.
  package mutating func ended(_ work: UInt64?) {
    defer { open = 0 }
    guard let work, work > 0 else { return }
    busy = busy * Self.decay + open
    expected = expected * Self.decay + Double(work)
  }

  /// - Parameter mean: nanoseconds of a run in the mean.
  package func factor(mean: UInt64) -> Double {
    let prior = Double(mean) * Self.prior
    guard expected + prior > 0 else { return 1 }
    return min(max((busy + prior) / (expected + prior), Self.bounds.lowerBound), Self.bounds.upperBound)
  }
}
