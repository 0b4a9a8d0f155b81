import InferenceProtocol
import Residency
import Scheduler
import Telemetry

/// The server's state at one moment, as the page shows it. Times are milliseconds since the server started.
public struct LiveState: Encodable, Sendable {
  /// The use of memory, and the free remainder.
  public struct Memory: Encodable, Sendable {
    public var budget = 0
    public var resident = 0
    public var peak = 0
    /// Tensors of granted requests.
    public var tensors = 0
    public var arenas: [Int] = []
    public var groups: [Group] = []
  }

  /// Extents that the same models hold.
  public struct Group: Encodable, Sendable {
    public var models: [String]
    /// Of all of its extents, resident or not.
    public var bytes = 0
    public var resident = 0
    public var pinned = 0
    public var leased = 0
    public var loading = 0
    /// The sizes of what is resident, largest first; what is left out is counted in ``resident`` alone.
    public var pieces: [Int] = []
  }

  /// One version of a model.
  public struct Model: Encodable, Sendable {
    public var name: String
    public var version: String
    public var state: String
    public var reason: String
    public var waiting = 0
    public var running = 0
    public var pinned = false
    public var succeeded: UInt64 = 0
    public var failed: UInt64 = 0
    public var warm = Latency()
    public var cold = Latency()
  }

  /// Percentiles in milliseconds.
  public struct Latency: Encodable, Sendable {
    public var count: UInt64 = 0
    public var p50: Double?
    public var p90: Double?
    public var p99: Double?
  }

  /// A number of values up to a bound; the last has none.
  public struct Bar: Encodable, Sendable {
    public var most: Double?
    public var count: UInt64
  }

  public struct Queue: Encodable, Sendable {
    public var waiting = 0
    public var bytes = 0
    public var running = 0
    public var limit = 0
    public var refusals: [String: UInt64] = [:]
    public var widths: [Bar] = []
    public var batches: [Bar] = []
  }

  public struct Swaps: Encodable, Sendable {
    public var warm: UInt64 = 0
    public var warmBytes: UInt64 = 0
    public var cold: UInt64 = 0
    public var coldBytes: UInt64 = 0
    public var evicted: UInt64 = 0
  }

  public var version = InferenceService.version
  public var lanes = 0
  public var memory = Memory()
  public var models: [Model] = []
  public var queue = Queue()
  public var swaps = Swaps()
}

extension LiveState {
  /// The most pieces of a group that are told apart.
  static let mostPieces = 48

  /// Takes the current state of `service`.
  init(of service: InferenceService, weights: WeightIndex) {
    lanes = service.engine.executor.lanes
    memory = Memory(service.engine.residency.snapshot, weights: weights)
    let telemetry = service.telemetry
    queue = Queue(
      service.scheduler.snapshot, telemetry.decisions,
      limit: service.configuration.scheduler.maxQueuedRequests)
    let swaps = telemetry.swaps
    self.swaps = Swaps(
      warm: swaps.warm.seconds.count, warmBytes: swaps.warm.bytes, cold: swaps.cold.seconds.count,
      coldBytes: swaps.cold.bytes, evicted: swaps.evicted)
    let scheduled = Dictionary(
      service.scheduler.snapshot.models.map { (ModelVersion($0.name, $0.version), $0) },
      uniquingKeysWith: { first, _ in first })
    let requests = telemetry.requests
    models = service.catalog.index.map { entry in
      var model = Model(
        name: entry.name, version: entry.version, state: entry.state.rawValue, reason: entry.reason)
      guard let number = Int(entry.version) else { return model }
      let key = ModelVersion(entry.name, number)
      if let load = scheduled[key] {
        (model.waiting, model.running, model.pinned) = (load.waiting, load.running, load.isPinned)
      }
      if let counted = requests[key] {
        model.succeeded = counted.warm.count &+ counted.cold.count
        model.failed = counted.failures.values.reduce(0, &+)
        model.warm = Latency(counted.warm)
        model.cold = Latency(counted.cold)
      }
      return model
    }
  }
}

extension LiveState.Memory {
  init(_ snapshot: ResidencySnapshot, weights: WeightIndex) {
    budget = snapshot.budget
    resident = snapshot.residentBytes
    peak = snapshot.peakBytes
    tensors = snapshot.exclusiveBytes
    groups = weights.groups.map {
      LiveState.Group(models: $0.models.map(\.shown), bytes: $0.byteCount)
    }
    // Of models that were closed while their weights stayed.
    var orphans = LiveState.Group(models: [])
    for item in snapshot.items where item.state != .failed {
      switch item.id {
      case .arena: arenas.append(item.byteCount)
      case .extent(let name):
        if let group = weights.group(of: name) {
          groups[group].add(item)
        } else {
          orphans.bytes += item.byteCount
          orphans.add(item)
        }
      }
    }
    if orphans.resident > 0 { groups.append(orphans) }
  }
}

extension LiveState.Group {
  fileprivate mutating func add(_ item: ResidencySnapshot.Item) {
    resident += item.byteCount
    if item.isPinned { pinned += item.byteCount }
    if item.leases > 0 { leased += item.byteCount }
    if item.state == .loading { loading += item.byteCount }
    if pieces.count < LiveState.mostPieces { pieces.append(item.byteCount) }
  }
}

extension LiveState.Queue {
  init(_ snapshot: SchedulerSnapshot, _ decisions: ServerTelemetry.Decisions, limit: Int) {
    waiting = snapshot.waitingRequests
    bytes = snapshot.waitingBytes
    running = snapshot.runningMembers
    self.limit = limit
    refusals = Dictionary(
      decisions.refusals.map { ($0.key.rawValue, $0.value) }, uniquingKeysWith: { first, _ in first })
    widths = LiveState.bars(decisions.width)
    batches = LiveState.bars(decisions.batch)
  }
}

extension LiveState.Latency {
  init(_ distribution: Distribution) {
    func milliseconds(_ share: Double) -> Double? {
      distribution.quantile(share).map { ($0 * 100_000).rounded() / 100 }
    }
    self.init(
      count: distribution.count, p50: milliseconds(0.5), p90: milliseconds(0.9), p99: milliseconds(0.99))
  }
}

extension LiveState {
  fileprivate static func bars(_ distribution: Distribution) -> [Bar] {
    zip(distribution.bounds.map(Optional.some) + [nil], distribution.counts).map { Bar(most: $0, count: $1) }
  }
}

extension ModelVersion {
  /// As the page tells models apart.
  var shown: String { "\(name):\(version)" }
}
