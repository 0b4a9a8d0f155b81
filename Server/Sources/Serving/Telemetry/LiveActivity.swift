import Foundation

/// The events of a short period, as the page draws them. Times are milliseconds since the server started.
public struct LiveActivity: Encodable, Sendable {
  public struct Run: Encodable, Sendable {
    public var model: String
    public var lane: Int
    public var batch: Int
    public var program: UInt64
    public var width: Int
    public var queued: Double
    public var start: Double
    public var end: Double
    public var loaded: Int
    public var failed: Bool
  }

  /// Extents of the same models that came in one after another.
  public struct Load: Encodable, Sendable {
    public var models: [String]
    public var start: Double
    public var end: Double
    public var bytes: Int
    public var extents: Int
    public var cold: Bool
  }

  /// Extents of the same models that left together.
  public struct Eviction: Encodable, Sendable {
    public var models: [String]
    public var at: Double
    public var bytes: Int
  }

  public struct Refusal: Encodable, Sendable {
    public var model: String
    public var kind: String
    public var at: Double
  }

  public var now: Double
  public var runs: [Run] = []
  public var loads: [Load] = []
  public var evictions: [Eviction] = []
  public var refusals: [Refusal] = []
  public var dropped = 0

  public var isEmpty: Bool {
    runs.isEmpty && loads.isEmpty && evictions.isEmpty && refusals.isEmpty && dropped == 0
  }
}

extension LiveActivity {
  /// Loads and evictions of the same models that are closer than this are shown as one, in milliseconds.
  private static let gap = 4.0

  init(_ activity: ActivityFeed.Activity, weights: WeightIndex, started: UInt64, now: UInt64) {
    func milliseconds(_ time: UInt64) -> Double {
      let sign: Double = time < started ? -1 : 1
      let distance = time < started ? started - time : time - started
      return sign * (Double(distance) / 1e4).rounded() / 100
    }
    self.now = milliseconds(now)
    dropped = activity.dropped
    runs = activity.runs.map { run in
      Run(
        model: run.model.shown, lane: run.lane, batch: run.batch, program: run.program,
        width: run.timing.programWidth, queued: milliseconds(run.timing.admitted),
        start: milliseconds(max(run.timing.started, run.timing.dispatched)),
        end: milliseconds(run.timing.answered), loaded: run.timing.bytesLoaded, failed: run.failed)
    }
    refusals = activity.refusals.map {
      Refusal(model: $0.model.shown, kind: $0.kind.rawValue, at: milliseconds($0.time))
    }
    // -1: of models that are not open any more.
    var last: [Int: Int] = [:]
    for load in activity.loads {
      let group = weights.group(of: load.extent) ?? -1
      let (start, end) = (milliseconds(load.start), milliseconds(load.end))
      if let index = last[group], start - loads[index].end < LiveActivity.gap {
        loads[index].start = min(loads[index].start, start)
        loads[index].end = max(loads[index].end, end)
        loads[index].bytes += load.byteCount
        loads[index].extents += 1
        loads[index].cold = loads[index].cold || load.isCold
      } else {
        last[group] = loads.count
        loads.append(
          Load(
            models: weights.holders(of: group), start: start, end: end, bytes: load.byteCount, extents: 1,
            cold: load.isCold))
      }
    }
    last = [:]
    for eviction in activity.evictions {
      let group = weights.group(of: eviction.extent) ?? -1
      let time = milliseconds(eviction.time)
      if let index = last[group], time - evictions[index].at < LiveActivity.gap {
        evictions[index].bytes += eviction.byteCount
      } else {
        last[group] = evictions.count
        evictions.append(Eviction(models: weights.holders(of: group), at: time, bytes: eviction.byteCount))
      }
    }
  }
}

extension WeightIndex {
  /// The models of a group, as the page tells them apart; none for a number that is no group's.
  fileprivate func holders(of group: Int) -> [String] {
    groups.indices.contains(group) ? groups[group].models.map(\.shown) : []
  }
}
