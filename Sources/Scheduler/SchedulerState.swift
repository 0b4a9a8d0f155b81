/// Decides what runs next among all waiting requests: a pure state machine.
///
/// Every event returns the actions to carry out. There is no clock, no thread and no engine in here;
/// ``Scheduler`` carries the actions out. Guarantees:
/// - Every submitted request is refused once, or dispatched once, or withdrawn, and nothing else.
/// - Whenever a member could start, ``advance(now:standing:)`` starts one: nothing waits for a time.
/// - The order is that of decision 10.
package struct SchedulerState: Sendable {
  /// The configuration, in nanoseconds.
  package struct Limits: Sendable {
    package var lanes = 2
    package var maxQueuedRequests = 1024
    package var maxQueuedBytes = 256 << 20
    package var maxDelay: UInt64 = 10_000_000_000
    package var keepAlive: UInt64?
    /// Rows.
    package var maxBatch = 8
    package var minimumResidency: UInt64 = 100_000_000
    package var shortRun: UInt64 = 0
    package var isOneModelAtATime = false

    package init() {}

    /// With times that can be added to any time of a clock that counts from the machine's start.
    var bounded: Limits {
      var limits = self
      limits.maxDelay = min(maxDelay, .max / 4)
      limits.minimumResidency = min(minimumResidency, .max / 4)
      return limits
    }
  }

  /// A request that waits.
  struct Waiting: Sendable {
    let id: RequestID
    let model: ModelID
    let tenant: Int
    let priority: Int
    let deadline: UInt64?
    let admitted: UInt64
    let keepAlive: UInt64?
    let bytes: Int
    var extraBytes: Int
    let mostThreads: Int
    var isPlanned: Bool
    let service: ServiceEstimates.Key
    /// Nanoseconds of a lane that it is expected to take.
    let cost: UInt64
    let rows: Int
    let batch: BatchKey?
    let maxRows: Int
    let bundle: UInt64?
    let stages: [StageSubmission]
    /// Of a pipeline: the stages that are planned, and are dispatched first.
    var planned: [Int] = []
  }

  /// A member that was dispatched and has not ended.
  struct Running: Sendable {
    let model: ModelID
    let requests: Int
    let service: ServiceEstimates.Key
    let expected: UInt64
    /// When it could begin: it was dispatched, or the last of its sources ended.
    var dispatched: UInt64
    let keepAlive: UInt64?
    /// The earliest of its requests'.
    var deadline: UInt64?
    /// Members whose outputs it takes and that have not ended: until they have, it takes no lane.
    var sources: Set<MemberID> = []
  }

  /// One model's share.
  struct Model: Sendable {
    let name: String
    var waiting = 0
    /// Members.
    var running = 0
    /// Stages of pipelines that wait or run, wherever these are.
    var held = 0
    /// The setting; `nil`: the server's.
    var keepAlive: UInt64?
    /// When its weights leave if nobody uses it until then.
    var expiry: UInt64?
    var isPinned = false
    var isDraining = false
    /// Its weights leave as soon as nobody uses it.
    var isUnwanted = false
    /// A number that grows with each use.
    var lastUse: UInt64 = 0

    var isIdle: Bool { waiting == 0 && running == 0 && held == 0 }
  }

  package let limits: Limits
  /// In the order in which they came, and so by their numbers.
  var waiting: [Waiting] = []
  var running: [MemberID: Running] = [:]
  /// Those that were dispatched and have not ended, though none of their members may run now.
  var pipelines: [RequestID: RunningPipeline] = [:]
  var models: [ModelID: Model] = [:]
  var estimates = ServiceEstimates()
  var pace = LanePace()
  var turns = DeficitRoundRobin()
  var tenants: [String: Int] = [:]
  /// Name and number of waiting requests, by tenant.
  var tenantNames: [Int: (name: String, waiting: Int)] = [:]
  var nextTenant = 0
  /// Of all that waits.
  package private(set) var waitingBytes = 0
  var waitingCost: UInt64 = 0
  var batchPlans: [BatchPlan: BatchPlan.State] = [:]
  /// The time of the last dispatch of a member that evicts others' weights.
  var lastSwap: UInt64?
  var isDraining = false
  var nextMember: UInt64 = 0
  private var uses: UInt64 = 0
  /// The number of the program that runs, or of the last one.
  var program: UInt64 = 0
  /// The outcomes of all requests so far.
  package internal(set) var counts = Counts()

  package struct Counts: Sendable, Equatable {
    package var submitted = 0
    package var refused = 0
    package var withdrawn = 0
    package var dispatched = 0
  }

  package init(limits: Limits) { self.limits = limits.bounded }

  /// The most models that are remembered which nobody uses.
  static let modelCapacity = 1024

  // MARK: Events

  /// A request arrives. It is admitted to the queue, or refused.
  package mutating func submitted(
    _ submission: Submission, now: UInt64, standing: (ModelID) -> ModelStanding = { _ in ModelStanding() }
  ) -> [SchedulerAction] {
    counts.submitted += 1
    var actions: [SchedulerAction] = []
    switch displaced(by: submission, now: now, standing: standing) {
    case .failure(let error):
      counts.refused += 1
      doubtEstimates(after: submission, now: now, standing: standing)
      return [.refuse(submission.id, error)]
    case .success(let displaced):
      for index in displaced.compactMap({ index(of: $0) }).sorted(by: >) {
        let name = models[waiting[index].model]?.name ?? ""
        let after = drainTime(of: max(1, waiting.count / 2))
        actions += refuse(at: index, SchedulerError(.displaced(model: name, retryAfter: after)), now: now)
      }
    }
    let service = ServiceEstimates.Key(model: submission.model, shapes: submission.shapes)
    let request = Waiting(
      id: submission.id, model: submission.model, tenant: tenant(named: submission.tenant),
      priority: submission.priority, deadline: submission.deadline, admitted: now,
      keepAlive: submission.keepAlive, bytes: submission.bytes, extraBytes: submission.extraBytes,
      mostThreads: submission.mostThreads, isPlanned: submission.isPlanned, service: service,
      cost: cost(of: submission),
      rows: submission.rows, batch: submission.batch, maxRows: submission.maxRows, bundle: submission.bundle,
      stages: submission.stages)
    // Threads may come in another order than they took their numbers in.
    var position = waiting.endIndex
    while position > 0, waiting[position - 1].id > request.id { position -= 1 }
    waiting.insert(request, at: position)
    waitingBytes += request.bytes
    waitingCost += request.cost
    for stage in request.stages { use(stage.model, named: stage.name) { $0.held += 1 } }
    use(submission.model, named: submission.name) { $0.waiting += 1 }
    return actions + [.admit(request.id)]
  }

  /// The request's plan is there.
  package mutating func planned(_ id: RequestID, extraBytes: Int) {
    guard let index = index(of: id) else { return }
    waiting[index].isPlanned = true
    waiting[index].extraBytes = extraBytes
  }

  /// The request leaves the queue: its client went away, or it cannot be planned.
  /// - Returns: `nil` when it did not wait: it runs, or has been answered.
  package mutating func withdrawn(_ id: RequestID, now: UInt64) -> [SchedulerAction]? {
    guard let index = index(of: id) else { return nil }
    let request = remove(at: index)
    counts.withdrawn += 1
    return leftUnrun(request, now: now)
  }

  /// A member has answered, and its memory is free again.
  /// - Parameter sample: what was measured; `nil` when it failed.
  package mutating func ended(_ id: MemberID, _ sample: MemberSample?, now: UInt64) -> [SchedulerAction] {
    guard running[id] != nil else { return [] }
    notePace(now: now)
    guard let member = running.removeValue(forKey: id) else { return [] }
    // One that failed may not have run at all.
    pace.ended(sample == nil || estimates.measured(member.service) == nil ? nil : member.expected)
    if let sample {
      estimates.add(sample, for: member.service, now: now)
      if let deadline = member.deadline, member.requests == 1 {
        estimates.noteDeadline(member.service, isLate: now > deadline)
      }
    }
    release(id, now: now)
    use(member.model) { $0.running -= 1 }
    let setting = limits.keepAlive
    return leave(member.model, now: now) { model in
      let keepAlive = member.keepAlive ?? model.keepAlive ?? setting
      model.expiry = keepAlive.flatMap { SchedulerState.time($0, after: now) }
    }
  }

  /// Decides what happens now. To be called after every event, and at ``nextWake``.
  /// - Parameter standing: how much of a model is resident.
  package mutating func advance(
    now: UInt64, standing: @escaping (ModelID) -> ModelStanding
  ) -> [SchedulerAction] {
    var actions = expireIdle(now: now) + dropLate(now: now)
    var standings = Standings(standing)
    while let choice = choose(now: now, standings: &standings) {
      actions += start(choice, now: now, standings: &standings)
    }
    return actions
  }

  /// When ``advance(now:standing:)`` has something to do though nothing happens; `nil`: never.
  package var nextWake: UInt64? {
    let deadline = waiting.lazy.map { min($0.deadline ?? .max, bound(of: $0)) }.min()
    let expiry = models.values.lazy.compactMap { $0.isIdle ? $0.expiry : nil }.min()
    return [deadline, expiry].compactMap { $0 }.min()
  }

  // MARK: Requests that wait

  /// Returns the position of the request in the queue.
  func index(of id: RequestID) -> Int? {
    var range = waiting.startIndex..<waiting.endIndex
    while !range.isEmpty {
      let middle = (range.lowerBound + range.upperBound) / 2
      if waiting[middle].id == id { return middle }
      range = waiting[middle].id < id ? middle + 1..<range.upperBound : range.lowerBound..<middle
    }
    return nil
  }

  /// Takes a request out of the queue, and its share of all sums.
  mutating func remove(at index: Int) -> Waiting {
    let request = waiting.remove(at: index)
    waitingBytes -= request.bytes
    waitingCost -= request.cost
    models[request.model]?.waiting -= 1
    tenantNames[request.tenant]?.waiting -= 1
    if let entry = tenantNames[request.tenant], entry.waiting == 0 {
      tenantNames[request.tenant] = nil
      tenants[entry.name] = nil
      turns.leave(request.tenant)
    }
    return request
  }

  /// Takes requests out of the queue that are refused after all.
  mutating func refuse(at index: Int, _ error: SchedulerError, now: UInt64) -> [SchedulerAction] {
    let request = remove(at: index)
    counts.refused += 1
    return [.refuse(request.id, error)] + leftUnrun(request, now: now)
  }

  /// Returns the actions that follow when a request leaves without having run.
  mutating func leftUnrun(_ request: Waiting, now: UInt64) -> [SchedulerAction] {
    for stage in request.stages { models[stage.model]?.held -= 1 }
    let models = request.stages.isEmpty ? [request.model] : request.stages.distinctModels
    return models.flatMap { leave($0, now: now) { _ in } }
  }

  private mutating func tenant(named name: String) -> Int {
    if let number = tenants[name] {
      tenantNames[number]?.waiting += 1
      return number
    }
    let number = nextTenant
    nextTenant += 1
    tenants[name] = number
    tenantNames[number] = (name, 1)
    turns.join(number)
    return number
  }

  // MARK: Members

  /// Notes the time that lanes were taken; to be called before that changes.
  mutating func notePace(now: UInt64) { pace.passed(until: now, lanes: min(occupancy, capacity)) }

  /// Notes a member of these requests, which have left the queue.
  mutating func makeMember(of requests: [Waiting], rows: Int, now: UInt64) -> Dispatch {
    notePace(now: now)
    nextMember += 1
    let id = MemberID(rawValue: nextMember)
    let first = requests[0]
    counts.dispatched += requests.count
    let service =
      requests.count == 1
      ? first.service
      : ServiceEstimates.Key(
        model: first.model, shapes: BatchPlan(key: first.batch, rows: rows).shapes)
    running[id] = Running(
      model: first.model, requests: requests.count, service: service,
      expected: requests.count == 1 ? first.cost : estimates.expected(service), dispatched: now,
      keepAlive: requests.compactMap(\.keepAlive).max(), deadline: requests.compactMap(\.deadline).min())
    use(first.model) {
      $0.running += 1
      $0.expiry = nil
    }
    return Dispatch(member: id, model: first.model, requests: requests.map(\.id), rows: rows)
  }

  // MARK: Models

  mutating func use(_ id: ModelID, named name: String = "", _ body: (inout Model) -> Void) {
    uses += 1
    var model = models[id] ?? Model(name: name)
    model.lastUse = uses
    body(&model)
    models[id] = model
    if models.count > Self.modelCapacity { forgetModels() }
  }

  /// Forgets models that nobody uses and that have no setting, those first that were used longest ago.
  private mutating func forgetModels() {
    let idle = models.filter {
      $0.value.isIdle && !$0.value.isPinned && $0.value.expiry == nil && $0.value.keepAlive == nil
    }
    for (id, _) in idle.sorted(by: { $0.value.lastUse < $1.value.lastUse }).prefix(Self.modelCapacity / 4) {
      models[id] = nil
    }
  }
}
