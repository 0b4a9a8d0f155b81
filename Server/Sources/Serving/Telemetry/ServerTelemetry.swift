import Device
import Foundation
import Repository
import Residency
import Scheduler
import Telemetry
import Tensors

/// Counts what the server does. Fed by the residency's and the scheduler's events and by the service; read by the metrics
/// and the page.
public final class ServerTelemetry: Sendable {
  /// The counts of one model's requests.
  public struct Requests: Sendable {
    /// Seconds from admission to the answer of requests whose weights were all there, and of those that waited for some.
    public var warm = Distribution(bounds: Distribution.fineSeconds)
    public var cold = Distribution(bounds: Distribution.fineSeconds)
    /// Seconds in the queue.
    public var queue = Distribution(bounds: Distribution.fineSeconds)
    /// Seconds in which weights came in, of requests that waited for some.
    public var swapIn = Distribution(bounds: Distribution.fineSeconds)
    /// Seconds of computing.
    public var compute = Distribution(bounds: Distribution.fineSeconds)
    public var failures: [ServiceError.Kind: UInt64] = [:]
    /// Types and shapes of the inputs of the last request.
    public var lastInputs: [(ElementType, Shape)] = []
  }

  /// The counts of the scheduler's decisions.
  public struct Decisions: Sendable {
    /// Members of the running program when one joined, itself included.
    public var width = Distribution(bounds: ServerTelemetry.counts)
    /// Requests that ran as one.
    public var batch = Distribution(bounds: ServerTelemetry.counts)
    public var refusals: [SchedulerError.Kind: UInt64] = [:]
    public var cancelled: UInt64 = 0
    public var expired: UInt64 = 0
  }

  /// The counts of weights loaded and evicted.
  public struct Swaps: Sendable {
    /// Extents, bytes and seconds of one way in.
    public struct Loads: Sendable {
      public var bytes: UInt64 = 0
      public var seconds = Distribution(bounds: Distribution.fineSeconds)
    }

    /// From the page cache.
    public var warm = Loads()
    /// From the disk: the thread that brought it in waited for pages.
    public var cold = Loads()
    public var failed: UInt64 = 0
    public var evicted: UInt64 = 0
    public var evictedBytes: UInt64 = 0
    /// Seconds that extents had been resident when they were evicted.
    public var evictionAge = Distribution(bounds: ServerTelemetry.ages)
    /// Since when extents are resident.
    fileprivate var present: [ItemID: UInt64] = [:]
  }

  static let counts: [Double] = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64]
  static let ages: [Double] = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400]
  /// Models beyond these are counted together, so that nobody can make the metrics grow without bound.
  static let mostModels = 1000
  static let others = ModelVersion("(others)", 0)

  public let started = monotonicClock()
  public let feed = ActivityFeed()
  private let byModel = Locked<[ModelVersion: Requests]>([:])
  private let decided = Locked(Decisions())
  private let swapped = Locked(Swaps())
  private let transports = Locked(TransportCounts())
  private let compiling = Locked<[String: UInt64]>([:])

  public init() {}

  public var requests: [ModelVersion: Requests] { byModel.withLock { $0 } }
  public var decisions: Decisions { decided.withLock { $0 } }
  public var swaps: Swaps { swapped.withLock { $0 } }
  /// Compilations that ended, by ``CompileOutcome/name``.
  var compilations: [String: UInt64] { compiling.withLock { $0 } }
  public var transport: TransportCounts { transports.withLock { $0 } }

  // MARK: Requests

  /// Notes an answered request.
  public func answered(_ model: ModelVersion, timing: RequestTiming) {
    let total = seconds(from: timing.admitted, to: timing.answered)
    change(model) { requests in
      requests.queue.add(Double(timing.queueNanoseconds) / 1e9)
      requests.compute.add(Double(timing.computeNanoseconds) / 1e9)
      if timing.bytesLoaded > 0 {
        requests.swapIn.add(Double(timing.swapInNanoseconds) / 1e9)
        requests.cold.add(total)
      } else {
        requests.warm.add(total)
      }
    }
  }

  /// Notes a request that got no answer.
  public func failed(_ model: ModelVersion, _ kind: ServiceError.Kind) {
    change(model) { $0.failures[kind, default: 0] &+= 1 }
  }

  /// Notes what a request brings, so that pictures show the programs that are really run.
  func noted(_ model: ModelVersion, inputs: [Tensor]) {
    change(model) { $0.lastInputs = inputs.map { ($0.elementType, $0.shape) } }
  }

  private func change(_ model: ModelVersion, _ body: (inout Requests) -> Void) {
    byModel.withLock { models in
      let key =
        models[model] != nil || models.count < ServerTelemetry.mostModels ? model : ServerTelemetry.others
      body(&models[key, default: Requests()])
    }
  }

  /// Changes what is counted of connections and their requests.
  public func transport(_ body: (inout TransportCounts) -> Void) { transports.withLock { body(&$0) } }

  /// Notes how a compilation ended.
  func compiled(_ outcome: CompileOutcome) {
    compiling.withLock { $0[outcome.name, default: 0] &+= 1 }
  }

  // MARK: Events

  /// Notes a decision of the scheduler.
  public func observe(_ event: SchedulerEvent) {
    switch event {
    case .admitted: break
    case .refused(let model, let version, let kind):
      decided.withLock { $0.refusals[kind, default: 0] &+= 1 }
      feed.refused(ModelVersion(model, version), kind)
    case .cancelled: decided.withLock { $0.cancelled &+= 1 }
    case .dispatched(_, _, let batch, let width, _, _):
      decided.withLock {
        $0.width.add(Double(width))
        $0.batch.add(Double(batch))
      }
    case .answered(let model, let version, let batch, let program, let timing, let lane, let failed):
      feed.ran(
        ModelVersion(model, version), lane: lane, batch: batch, program: program, timing: timing,
        failed: failed)
    case .expired: decided.withLock { $0.expired &+= 1 }
    }
  }

  /// Notes a change of what is resident.
  public func observe(_ event: ResidencyEvent) {
    switch event.change {
    case .loadStarted: break
    case .loadFinished(let id, let byteCount, let microseconds, let isCold):
      guard case .extent(let name) = id else { return }
      let now = monotonicClock()
      swapped.withLock { swaps in
        swaps.present[id] = now
        let loads = isCold ? \Swaps.cold : \Swaps.warm
        swaps[keyPath: loads].bytes &+= UInt64(max(0, byteCount))
        swaps[keyPath: loads].seconds.add(microseconds / 1e6)
      }
      feed.loaded(extent: name, byteCount: byteCount, microseconds: microseconds, end: now, isCold: isCold)
    case .loadFailed(let id, _):
      swapped.withLock {
        $0.present[id] = nil
        $0.failed &+= 1
      }
    case .evicted(let id, let byteCount):
      guard case .extent(let name) = id else { return }
      let now = monotonicClock()
      swapped.withLock { swaps in
        swaps.evicted &+= 1
        swaps.evictedBytes &+= UInt64(max(0, byteCount))
        if let since = swaps.present.removeValue(forKey: id) {
          swaps.evictionAge.add(seconds(from: since, to: now))
        }
      }
      feed.evicted(extent: name, byteCount: byteCount, at: now)
    case .granted, .released: break
    }
  }
}

extension CompileOutcome {
  /// The possible values of ``name``.
  static let names = ["compiled", "unchanged", "rejected", "failed", "stopped"]

  var name: String {
    switch self {
    case .compiled: "compiled"
    case .unchanged: "unchanged"
    case .rejected: "rejected"
    case .failed: "failed"
    case .stopped: "stopped"
    }
  }
}

private func seconds(from start: UInt64, to end: UInt64) -> Double {
  end > start ? Double(end - start) / 1e9 : 0
}
