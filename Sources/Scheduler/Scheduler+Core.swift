import Device
import Executor
import Foundation
import Linker
import Residency
import Tensors

extension Scheduler {
  /// The state that the lock protects.
  struct Core: Sendable {
    var machine: SchedulerState
    /// Requests without an answer.
    var pending: [RequestID: Pending] = [:]
    /// Pipelines without an answer.
    var pipelines: [RequestID: PipelineRun] = [:]
    var models: [ModelID: Known] = [:]
    var pins = PinLedger()
    /// The tasks that load the weights of pins, by pin number.
    var pinning: [UInt64: Task<Void, any Error>] = [:]
    var closed = ClosedModels()
    var drains: [ModelID: [@Sendable () -> Void]] = [:]
    var drainsOfAll: [@Sendable () -> Void] = []
    var observer: (@Sendable (SchedulerEvent) -> Void)?
    /// When the timer fires next.
    var wake: UInt64?
  }

  /// One request until it is answered.
  struct Pending: Sendable {
    var request: ScheduledRequest
    var plan: Plan?
    var timing: RequestTiming
    var rows: Int
    /// Called once.
    var reply: @Sendable (Result<ScheduledAnswer, any Error>) -> Void
  }

  /// The scheduler's record of a model. It keeps no file open.
  struct Known: Sendable {
    let name: String
    let version: Int
    /// The names of all its weights.
    let extentNames: [String]
    /// The weights that its runs take, and the rest of what they take.
    var need = PinLedger.Need(items: [], extraBytes: 0)
    /// The number of the plan that ``need`` is of, which may be gone.
    var plan: UInt64?
    /// The most rows that a batch may have; `nil` until the graph has been looked at.
    var maxRows: Int?
    /// True if the weights may stay: the model has run and has not expired.
    var isLive = false
  }

  /// The most models that are remembered which nothing waits for.
  private static let knownCapacity = 1024

  /// Lets the state machine take an event, and carries out what it decides.
  /// - Parameter submitted: the request that arrives with the event; a short run may take place here.
  func decide(submitted: RequestID? = nil, _ event: (inout Core) -> [SchedulerAction]) {
    let (effects, observer) = core.withLock { core in
      var actions = event(&core)
      let now = monotonicNanoseconds()
      actions += core.machine.advance(now: now, standing: standing(by: core.models))
      let effects = actions.flatMap { translate($0, now: now, in: &core) }
      setTimer(in: &core)
      return (effects, core.observer)
    }
    // Last: nothing else that was decided waits for it.
    var here: [MemberWork] = []
    for effect in effects {
      if let submitted, case .dispatch(let members) = effect, members.count == 1, members[0].isShort,
        members[0].requests.first?.0 == submitted
      {
        here = members
      } else {
        carryOut(effect, observer)
      }
    }
    if !here.isEmpty { dispatch(here, onCaller: true) }
  }

  /// Returns a lookup of the residency of each model whose needs `models` knows.
  func standing(by models: [ModelID: Known]) -> (ModelID) -> ModelStanding {
    { [engine] id in
      guard let known = models[id] else { return ModelStanding() }
      let standing = engine.residency.standing(of: known.need.items)
      return ModelStanding(
        missingBytes: standing.missingBytes, freeBytes: standing.freeBytes,
        availableBytes: standing.availableBytes)
    }
  }

  /// The timer has fired.
  func wake() {
    decide { core in
      core.wake = nil
      return []
    }
  }

  /// Has the timer fire when the state machine wants to be asked, unless it fires before that anyhow.
  private func setTimer(in core: inout Core) {
    guard let wanted = core.machine.nextWake, core.wake.map({ wanted < $0 }) ?? true else { return }
    core.wake = wanted
    alarm.set(wanted)
  }

  /// Something that is done without the lock.
  enum Effect: Sendable {
    case tell(SchedulerEvent)
    case answer(Pending, Result<ScheduledAnswer, any Error>)
    case dispatch([MemberWork])
    case refuse(PipelineRun, SchedulerError)
    case runStages(PipelineRun, [StageWork], program: UInt64)
    case planBatch(BatchKey, rows: Int, ScheduledRequest)
    case evict([ItemID])
    case resume([@Sendable () -> Void])
  }

  private func translate(_ action: SchedulerAction, now: UInt64, in core: inout Core) -> [Effect] {
    switch action {
    case .admit(let id):
      if let pipeline = core.pipelines[id]?.pipeline {
        return [.tell(.admitted(model: pipeline.name, version: pipeline.version))]
      }
      guard let model = core.pending[id]?.request.model else { return [] }
      return [.tell(.admitted(model: model.name, version: model.version))]
    case .refuse(let id, let error):
      if let run = core.pipelines.removeValue(forKey: id) {
        return [
          .tell(.refused(model: run.pipeline.name, version: run.pipeline.version, error.kind)),
          .refuse(run, error),
        ]
      }
      guard let pending = core.pending.removeValue(forKey: id) else { return [] }
      let model = pending.request.model
      return [
        .tell(.refused(model: model.name, version: model.version, error.kind)),
        .answer(pending, .failure(error)),
      ]
    case .dispatch(let dispatches, let program, let width):
      if let id = dispatches.first?.requests.first, let run = core.pipelines[id] {
        return translate(dispatches, of: run, program: program, width: width, now: now, in: &core)
      }
      var members: [MemberWork] = []
      var events: [Effect] = []
      for (position, dispatch) in dispatches.enumerated() {
        let width = width - dispatches.count + position + 1
        for id in dispatch.requests {
          core.pending[id]?.timing.dispatched = now
          core.pending[id]?.timing.batchSize = dispatch.requests.count
          core.pending[id]?.timing.programWidth = width
        }
        let requests = dispatch.requests.compactMap { id in core.pending[id].map { (id, $0) } }
        guard let model = requests.first?.1.request.model else { continue }
        if core.models[dispatch.model]?.isLive == false { core.models[dispatch.model]?.isLive = true }
        members.append(
          MemberWork(
            member: dispatch.member, program: program, requests: requests, rows: dispatch.rows,
            isShort: dispatch.isShort))
        events.append(
          .tell(
            .dispatched(
              model: model.name, version: model.version, batch: requests.count, width: width,
              program: program,
              at: now)))
      }
      return events + [.dispatch(members)]
    case .planBatch(let key, let rows, let example):
      guard let pending = core.pending[example] else { return [] }
      return [.planBatch(key, rows: rows, pending.request)]
    case .expire(let id):
      guard let known = core.models[id] else { return [] }
      core.models[id]?.isLive = false
      var names = Set(known.extentNames)
      for other in core.models.values where other.isLive { names.subtract(other.extentNames) }
      return [
        .tell(.expired(model: known.name, version: known.version)), .evict(names.map { .extent($0) }),
      ]
    case .drained(let id?): return [.resume(core.drains.removeValue(forKey: id) ?? [])]
    case .drained(nil):
      defer { core.drainsOfAll = [] }
      return [.resume(core.drainsOfAll)]
    }
  }

  private func carryOut(_ effect: Effect, _ observer: (@Sendable (SchedulerEvent) -> Void)?) {
    switch effect {
    case .tell(let event): observer?(event)
    case .answer(let pending, let result): pending.reply(result)
    case .dispatch(let members): dispatch(members)
    case .refuse(let run, let error): run.drop(error)
    case .runStages(let run, let stages, let program): run.dispatched(stages, program: program)
    case .planBatch(let key, let rows, let example): planBatch(key, rows: rows, example)
    case .evict(let ids): engine.residency.evictIdle(ids)
    case .resume(let waiters): for waiter in waiters { waiter() }
    }
  }

  /// Notes a model that requests name.
  func remember(_ model: LinkableModel, plan: Plan?, in core: inout Core) {
    let id = ModelID(model)
    var known =
      core.models[id]
      ?? Known(name: model.name, version: model.version, extentNames: model.extentNames)
    if let plan, known.plan != plan.identityNumber {
      known.plan = plan.identityNumber
      known.need = PinLedger.Need(
        items: plan.reservedExtents.map { model.item(extent: $0) }, extraBytes: plan.extraBytes)
    }
    core.models[id] = known
    if core.models.count > Self.knownCapacity {
      let busy = Set(core.machine.busyModels.map(\.id))
      for id in core.models.keys.filter({ !busy.contains($0) }).prefix(Self.knownCapacity / 4) {
        core.models[id] = nil
      }
    }
  }
}

extension ModelID {
  init(_ model: LinkableModel) { self.init(rawValue: model.identityNumber) }
}

extension LinkableModel {
  /// Extent `index` of the file as residency knows it.
  func item(extent index: Int) -> ResidencyItem {
    let extent = file.extents[index]
    return ResidencyItem(
      id: .extent(extentNames[index]), byteCount: extent.byteCount,
      reloadCost: Double(extent.byteCount) / 1000,
      origin: file.identity)
  }
}

extension Plan {
  /// Bytes that a member takes beside weights.
  package var extraBytes: Int {
    let memory = memberMemory
    return roundedToPages(memory.arenaBytes).adding(saturating: roundedToPages(memory.requestBytes))
  }
}
