import Device
import Dispatch
import Scheduler
import Synchronization

/// Nanoseconds of the monotonic clock that the scheduler's and the executor's times are of.
func monotonicClock() -> UInt64 { DispatchTime.now().uptimeNanoseconds }

/// The events since the last read. Events are kept only while there is a reader.
public final class ActivityFeed: Sendable {
  package struct Run: Sendable {
    var model: ModelVersion
    var lane: Int
    var batch: Int
    var program: UInt64
    var timing: RequestTiming
    var failed: Bool
  }

  package struct Load: Sendable {
    var extent: String
    var byteCount: Int
    var start: UInt64
    var end: UInt64
    var isCold: Bool
  }

  package struct Eviction: Sendable {
    var extent: String
    var byteCount: Int
    var time: UInt64
  }

  package struct Refusal: Sendable {
    var model: ModelVersion
    var kind: SchedulerError.Kind
    var time: UInt64
  }

  /// The recorded events, in the order in which they ended.
  package struct Activity: Sendable {
    var runs: [Run] = []
    var loads: [Load] = []
    var evictions: [Eviction] = []
    var refusals: [Refusal] = []
    /// The number of events dropped because there were too many.
    var dropped = 0

    package var count: Int { runs.count + loads.count + evictions.count + refusals.count }
  }

  /// The most that is kept between two looks.
  static let limit = 8192

  private let watched = Atomic<Bool>(false)
  private let kept = Locked(Activity())

  /// True while there is a reader. Setting it to false forgets the recorded events.
  package var isWatched: Bool {
    get { watched.load(ordering: .relaxed) }
    set {
      watched.store(newValue, ordering: .relaxed)
      if !newValue { kept.withLock { $0 = Activity() } }
    }
  }

  /// Returns the events recorded since the last call.
  package func take() -> Activity {
    kept.withLock { activity in
      defer { activity = Activity() }
      return activity
    }
  }

  func ran(
    _ model: ModelVersion, lane: Int, batch: Int, program: UInt64, timing: RequestTiming, failed: Bool
  ) {
    keep {
      $0.runs.append(
        Run(model: model, lane: lane, batch: batch, program: program, timing: timing, failed: failed))
    }
  }

  func loaded(extent: String, byteCount: Int, microseconds: Double, end: UInt64, isCold: Bool) {
    let took = UInt64(exactly: (max(0, microseconds) * 1000).rounded()) ?? 0
    keep {
      $0.loads.append(
        Load(
          extent: extent, byteCount: byteCount, start: end > took ? end - took : 0, end: end, isCold: isCold))
    }
  }

  package func evicted(extent: String, byteCount: Int, at time: UInt64) {
    keep { $0.evictions.append(Eviction(extent: extent, byteCount: byteCount, time: time)) }
  }

  func refused(_ model: ModelVersion, _ kind: SchedulerError.Kind) {
    keep { $0.refusals.append(Refusal(model: model, kind: kind, time: monotonicClock())) }
  }

  private func keep(_ body: (inout Activity) -> Void) {
    guard isWatched else { return }
    kept.withLock { activity in
      if activity.count < ActivityFeed.limit { body(&activity) } else { activity.dropped += 1 }
    }
  }
}
