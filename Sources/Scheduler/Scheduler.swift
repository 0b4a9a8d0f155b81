import Device
import Dispatch
import Engine
import Executor
import Foundation
import Linker
import Residency
import Synchronization
import Tensors

/// Decides what runs next, of all that waits, and has it run: carries out what ``SchedulerState`` decides.
///
/// Guarded by a lock, and no actor, for the reason of decision 4: the lane that ends a member decides what follows. The
/// lock covers decisions alone; what they ask for is done without it.
public final class Scheduler: Sendable {
  public let engine: Engine
  public let configuration: SchedulerConfiguration
  let core: Locked<Core>
  /// The queue on which plans are made and models inspected: that can take a tenth of a second.
  let planning = PlanningQueue(named: "fusedinf.scheduler.planning", width: 2)
  /// The queue on which plans of batches are made, one at a time: no request waits for them.
  let batchPlanning = PlanningQueue(named: "fusedinf.scheduler.batches", width: 1)
  /// The queue on which batches are assembled, and on which pins wait for their weights.
  let work = DispatchQueue(label: "fusedinf.scheduler.work", attributes: .concurrent)
  let alarm = Alarm()
  private let requests = Atomic<UInt64>(0)
  private let bundles = Atomic<UInt64>(0)

  public init(engine: Engine, configuration: SchedulerConfiguration = SchedulerConfiguration()) {
    self.engine = engine
    self.configuration = configuration
    core = Locked(
      Core(machine: SchedulerState(limits: SchedulerState.Limits(configuration, engine))))
    alarm.start { [weak self] in self?.wake() }
  }

  /// Runs one request. When the task is cancelled while the request waits, it leaves the queue; once it runs, its answer
  /// is dropped.
  /// - Throws: ``SchedulerError`` when it is refused, `LinkError` when its tensors do not fit the model or the model does
  ///   not fit the budget, what its run throws, `CancellationError`.
  public func run(_ request: ScheduledRequest) async throws -> ScheduledAnswer {
    let id = makeRequestID()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        submit([(id, request)], bundle: nil, onCaller: true) { _, result in continuation.resume(with: result)
        }
        // The handler below may have run before there was anything to cancel.
        if Task.isCancelled { cancel(id) }
      }
    } onCancel: {
      cancel(id)
    }
  }

  /// Runs requests as members of one program, each of which answers as soon as it is done.
  /// - Parameter onAnswer: called once for each request, on any thread.
  public func run(
    together requests: [ScheduledRequest],
    onAnswer: @escaping @Sendable (Int, Result<ScheduledAnswer, any Error>) -> Void
  ) async {
    guard !requests.isEmpty else { return }
    let numbered = requests.map { (makeRequestID(), $0) }
    let bundle =
      requests.count > 1 && !configuration.isOneModelAtATime
      ? bundles.wrappingAdd(1, ordering: .relaxed).newValue : nil
    let ids = numbered.map(\.0)
    let open = Locked(requests.count)
    await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
        submit(numbered, bundle: bundle) { index, result in
          onAnswer(index, result)
          let isLast = open.withLock { open in
            open -= 1
            return open == 0
          }
          if isLast { continuation.resume() }
        }
        if Task.isCancelled { for id in ids { cancel(id) } }
      }
    } onCancel: {
      for id in ids { cancel(id) }
    }
  }

  func makeRequestID() -> RequestID {
    RequestID(rawValue: requests.wrappingAdd(1, ordering: .relaxed).newValue)
  }

  /// The waiting and running requests at this moment.
  public var snapshot: SchedulerSnapshot {
    core.withLock { core in
      var snapshot = SchedulerSnapshot()
      snapshot.models = core.machine.busyModels.map { model in
        let known = core.models[model.id]
        return SchedulerSnapshot.Model(
          name: known?.name ?? "", version: known?.version ?? 0, waiting: model.waiting,
          running: model.running,
          isPinned: model.isPinned)
      }.sorted { ($0.name, $0.version) < ($1.name, $1.version) }
      snapshot.waitingRequests = core.machine.waitingRequests
      snapshot.waitingBytes = core.machine.waitingBytes
      snapshot.runningMembers = core.machine.runningMembers
      return snapshot
    }
  }

  /// Called at each change, on any thread, with no lock held; must be quick.
  public var onEvent: (@Sendable (SchedulerEvent) -> Void)? {
    get { core.withLock { $0.observer } }
    set { core.withLock { $0.observer = newValue } }
  }

  /// Violated invariants, for tests.
  package func checkInvariants() -> [String] { core.withLock { $0.machine.checkInvariants() } }
}

extension SchedulerState.Limits {
  init(_ configuration: SchedulerConfiguration, _ engine: Engine) {
    self.init()
    lanes = engine.executor.lanes
    maxQueuedRequests = max(configuration.maxQueuedRequests, 0)
    maxQueuedBytes = max(configuration.maxQueuedBytes, 0)
    maxDelay = configuration.maxDelay.clampedNanoseconds
    keepAlive = configuration.keepAlive?.clampedNanoseconds
    maxBatch = engine.configuration.deterministic ? 1 : max(configuration.maxBatch, 1)
    minimumResidency = configuration.minimumResidency.clampedNanoseconds
    shortRun = configuration.shortRun.clampedNanoseconds
    isOneModelAtATime = configuration.isOneModelAtATime
  }
}

extension Duration {
  /// Whole nanoseconds; 0 for a negative duration.
  var clampedNanoseconds: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    let (nanoseconds, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, late) = nanoseconds.addingReportingOverflow(UInt64(attoseconds / 1_000_000_000))
    return overflow || late ? .max : sum
  }
}
