/// Estimates of run times, from measured runs.
package struct ServiceEstimates: Sendable {
  /// Runs of one model on inputs of one shape.
  package struct Key: Hashable, Sendable {
    package var model: ModelID
    package var shapes: Int

    package init(model: ModelID, shapes: Int) {
      self.model = model
      self.shapes = shapes
    }
  }

  package struct Estimate: Sendable {
    /// Nanoseconds of computing, a moving average.
    package var mean: Double
    /// The least that was seen, which recent runs pull up slowly.
    package var least: Double
    /// Warm runs that were seen.
    package var count: Int
    var lastUse: UInt64
    /// When the last run ended, in nanoseconds.
    var measured: UInt64
    /// True if the estimate was lowered below the measurement, so that a request may try.
    package var isDoubted = false
    var margin = DeadlineMargin()
  }

  /// The most shapes that are remembered.
  package static let capacity = 4096
  private static let weight = 0.2
  /// Nanoseconds for which what was measured is not doubted.
  private static let validity: UInt64 = 10_000_000_000
  /// The same of loads: how long these take changes with what the disk and the page cache do for others.
  private static let loadValidity: UInt64 = 500_000_000

  private var estimates: [Key: Estimate] = [:]
  private var uses: UInt64 = 0
  /// Of all runs: what a model is expected to take that never ran.
  private var overall = 0.0
  /// Nanoseconds per byte of loaded weights.
  private var loadRate = 0.0
  /// When that was last measured.
  private var loadMeasured: UInt64 = 0
  /// No run's ``least(_:)`` was ever more.
  private(set) var longestLeast: UInt64 = 0

  package init() {}

  /// Notes a member's run that has ended now.
  package mutating func add(_ sample: MemberSample, for key: Key, now: UInt64) {
    uses += 1
    let compute = Double(sample.compute)
    longestLeast = max(longestLeast, sample.compute)
    overall = overall == 0 ? compute : overall + (compute - overall) * Self.weight
    if sample.bytesLoaded > 0 {
      let rate = Double(sample.swapIn) / Double(sample.bytesLoaded)
      loadMeasured = now
      loadRate = loadRate == 0 ? rate : loadRate + (rate - loadRate) * Self.weight
    }
    // A run that loads and computes at once tells little about its computing time, but more than nothing.
    let isWarm = sample.bytesLoaded == 0
    guard var estimate = estimates[key], estimate.count > 0 || !isWarm else {
      estimates[key] = Estimate(
        mean: compute, least: compute, count: isWarm ? 1 : 0, lastUse: uses, measured: now)
      if estimates.count > Self.capacity { forgetOldest() }
      return
    }
    estimate.lastUse = uses
    estimate.measured = now
    if isWarm || estimate.count == 0 {
      estimate.mean += (compute - estimate.mean) * Self.weight
      estimate.least = min(estimate.least + (compute - estimate.least) * 0.02, compute)
    }
    if isWarm {
      estimate.count += 1
      estimate.isDoubted = false
    }
    estimates[key] = estimate
  }

  /// Nanoseconds that a run is expected to compute; of one that never ran, what runs take in the mean.
  package func expected(_ key: Key) -> UInt64 { UInt64(max(estimates[key]?.mean ?? overall, 0)) }

  /// Nanoseconds that runs take in the mean.
  var meanOfAll: UInt64 { UInt64(max(overall, 0)) }

  /// Nanoseconds that a run certainly computes, about; 0 when that is not known.
  package func least(_ key: Key) -> UInt64 { UInt64(max(estimates[key]?.least ?? 0, 0)) }

  /// Nanoseconds that a run is expected to compute; 0 of one that never ran.
  package func mean(_ key: Key) -> UInt64 { UInt64(max(estimates[key]?.mean ?? 0, 0)) }

  /// Returns the measured estimate, or `nil` if the model has not run in this form.
  package func measured(_ key: Key) -> Estimate? { estimates[key] }

  /// Returns the nanoseconds that loading so many bytes of weights takes.
  package func swapIn(_ bytes: Int) -> UInt64 { UInt64(max(Double(bytes) * loadRate, 0)) }

  /// Notes what became of a request that was taken with a deadline.
  mutating func noteDeadline(_ key: Key, isLate: Bool) {
    guard let mean = estimates[key]?.mean else { return }
    estimates[key]?.margin.note(isLate: isLate, run: mean)
  }

  /// Returns how much earlier than its deadline a request must be expected to be answered, given the time
  /// left.
  func margin(_ key: Key, ofLeft left: UInt64) -> UInt64 {
    estimates[key]?.margin.nanoseconds(ofLeft: left) ?? 0
  }

  /// A request was refused for nothing but what its run is expected to take. When that was not measured lately, it is
  /// expected to take less from now on, and needs less of a margin: what was seen in a bad moment must not shut a model out for good.
  mutating func doubt(_ key: Key, now: UInt64) {
    guard var estimate = estimates[key], now >= estimate.measured + Self.validity else { return }
    estimate.mean *= 0.9
    estimate.least = min(estimate.least, estimate.mean)
    estimate.margin.doubt()
    estimate.isDoubted = true
    estimates[key] = estimate
  }

  /// The same for loading weights.
  mutating func doubtLoads(now: UInt64) {
    if now >= loadMeasured + Self.loadValidity { loadRate *= 0.9 }
  }

  private mutating func forgetOldest() {
    let kept = estimates.sorted { $0.value.lastUse > $1.value.lastUse }.prefix(Self.capacity / 2)
    estimates = Dictionary(uniqueKeysWithValues: kept.map { ($0.key, $0.value) })
  }
}
