import Testing

import Scheduler

/// Lets a ``SchedulerState`` live through a day: time passes when the test says so, and memory is a sum of sizes.
///
/// Times are milliseconds here. Models are named by letters; each is resident, or evicted, as a whole.
struct Timeline {
  private(set) var state: SchedulerState
  private(set) var now: UInt64
  /// The events, in order: `A` was dispatched, `A+A` as a batch, `A?draining` was refused, `-A` expired.
  private(set) var log: [String] = []
  /// Models whose weights are there, the one used longest ago first.
  private(set) var resident: [Character] = []
  private(set) var running: [(member: MemberID, model: Character, requests: [RequestID], since: UInt64)] = []
  private var names: [RequestID: Character] = [:]
  private(set) var outcomes: [RequestID: Int] = [:]
  /// Pipelines of which something was dispatched.
  private var begun: Set<RequestID> = []
  private var requests: UInt64 = 0
  private(set) var errors: [SchedulerError] = []
  private(set) var plansWanted: [(key: BatchKey, rows: Int)] = []
  private(set) var widths: [Int] = []
  /// Of each member that was dispatched: whether it may run where its request came in.
  private(set) var shorts: [Bool] = []
  private(set) var programs: [UInt64] = []
  private(set) var drained: [ModelID?] = []
  let budget: Int
  var sizes: [Character: Int]

  /// - Parameter sizes: what the weights of a model take; 1 where nothing is said.
  init(
    lanes: Int = 1, budget: Int = 100, sizes: [Character: Int] = [:],
    _ set: (inout SchedulerState.Limits) -> Void = { _ in }
  ) {
    var limits = SchedulerState.Limits()
    limits.lanes = lanes
    limits.maxBatch = 1
    limits.minimumResidency = 0
    set(&limits)
    state = SchedulerState(limits: limits)
    now = 1_000_000_000_000
    self.budget = budget
    self.sizes = sizes
  }

  static func id(_ model: Character) -> ModelID { ModelID(rawValue: UInt64(model.asciiValue ?? 0)) }
  private static func name(_ id: ModelID) -> Character { Character(UnicodeScalar(UInt8(id.rawValue))) }

  /// A request comes in. Deadlines are milliseconds from now.
  @discardableResult
  mutating func submit(
    _ model: Character, tenant: String = "", priority: Int = 0, deadline: Int? = nil,
    keepAlive: UInt64? = nil,
    bytes: Int = 0, rows: Int = 1, isBatchable: Bool = false, isPlanned: Bool = true, bundle: UInt64? = nil,
    extraBytes: Int = 0, mostThreads: Int = .max, decides: Bool = true
  ) -> RequestID {
    requests += 1
    let id = RequestID(rawValue: requests)
    var submission = Submission(id: id, model: Timeline.id(model), name: String(model))
    submission.tenant = tenant
    submission.priority = priority
    submission.deadline = deadline.map { UInt64(Int64(now) + Int64($0) * 1_000_000) }
    submission.keepAlive = keepAlive.map { $0 * 1_000_000 }
    submission.bytes = bytes
    submission.rows = rows
    submission.extraBytes = extraBytes
    submission.mostThreads = mostThreads
    submission.isPlanned = isPlanned
    submission.bundle = bundle
    if isBatchable { submission.batch = BatchKey(model: submission.model, shapes: 0) }
    names[id] = model
    let actions = state.submitted(submission, now: now, standing: standing)
    if decides { carryOut(actions) } else { perform(actions) }
    return id
  }

  /// A pipeline comes in, of one stage a letter.
  /// - Parameters:
  ///   - sources: of each stage; left out, each takes what the one before it gives.
  ///   - planned: the stages that are planned at once; `nil`: all.
  @discardableResult
  mutating func submit(
    pipeline models: String, sources: [[Int]]? = nil, deadline: Int? = nil, bytes: Int = 0,
    planned: [Int]? = nil
  ) -> RequestID {
    requests += 1
    let id = RequestID(rawValue: requests)
    let stages = models.enumerated().map { index, model in
      StageSubmission(
        model: Timeline.id(model), name: String(model),
        sources: sources?[index] ?? (index > 0 ? [index - 1] : []))
    }
    var submission = Submission(id: id, model: stages[0].model, name: models)
    submission.stages = stages
    submission.deadline = deadline.map { UInt64(Int64(now) + Int64($0) * 1_000_000) }
    submission.bytes = bytes
    submission.isPlanned = false
    names[id] = models.first
    carryOut(state.submitted(submission, now: now, standing: standing))
    plan(id, planned ?? Array(stages.indices))
    return id
  }

  /// Stages of the pipeline are planned.
  mutating func plan(_ id: RequestID, _ stages: [Int]) {
    change { $0.planned(id, stages: stages, extraBytes: 0, now: $1) }
  }

  mutating func holds(_ id: RequestID, bytes: Int) { state.holds(id, bytes: bytes) }

  /// The pipeline has answered.
  mutating func finish(_ id: RequestID) { change { $0.finished(id, now: $1) } }

  /// Submits until one is dispatched: how often.
  mutating func tries(_ model: Character, deadline: Int) -> Int {
    var tries = 0
    while running.isEmpty, tries < 100 {
      submit(model, deadline: deadline)
      tries += 1
    }
    return tries
  }

  mutating func submit(each models: String) { for model in models { submit(model) } }

  mutating func planned(_ id: RequestID) {
    state.planned(id, extraBytes: 0)
    advance()
  }

  /// The request's client goes away.
  /// - Parameter isWaiting: whether it has to be waiting.
  mutating func cancel(_ id: RequestID, isWaiting: Bool? = nil) {
    let actions = state.withdrawn(id, now: now)
    if let isWaiting, isWaiting != (actions != nil) {
      Issue.record("request \(id.rawValue) waits: \(!isWaiting)")
    }
    guard let actions else { return }
    outcomes[id, default: 0] += 1
    carryOut(actions)
  }

  /// The oldest member of the model ends, after so many milliseconds.
  /// - Parameter loading: so many of these its weights took to come in.
  mutating func end(
    _ model: Character? = nil, after milliseconds: UInt64 = 1, loading: UInt64 = 0, fails: Bool = false
  ) {
    guard let index = running.firstIndex(where: { model == nil || $0.model == model }) else {
      Issue.record("no member of \(model.map(String.init) ?? "any model") runs")
      return
    }
    now += milliseconds * 1_000_000
    let member = running.remove(at: index)
    let swapIn = loading * 1_000_000
    let sample = MemberSample(
      compute: now - member.since - swapIn, swapIn: swapIn,
      bytesLoaded: loading > 0 ? sizes[member.model] ?? 1 : 0)
    carryOut(state.ended(member.member, fails ? nil : sample, now: now))
  }

  /// Lets all members end, one after the other, each after so many milliseconds, until nothing runs.
  mutating func finish(after milliseconds: UInt64 = 1) {
    while !running.isEmpty { end(after: milliseconds) }
  }

  /// Teaches the state that runs of a model take so long.
  mutating func learn(_ model: Character, _ milliseconds: UInt64) {
    submit(model)
    end(model, after: milliseconds)
    log = []
  }

  mutating func pass(_ milliseconds: UInt64) {
    now += milliseconds * 1_000_000
    advance()
  }

  mutating func change(_ event: (inout SchedulerState, UInt64) -> [SchedulerAction]) {
    carryOut(event(&state, now))
  }

  /// All batch plans that were asked for have been made.
  mutating func makePlans(isReady: Bool = true) {
    for plan in plansWanted { state.batchPlanned(plan.key, rows: plan.rows, isReady: isReady) }
    plansWanted = []
    advance()
  }

  mutating func place(_ models: String) { resident = Array(models) }

  private var standing: (ModelID) -> ModelStanding {
    let used = resident.reduce(0) { $0 + (sizes[$1] ?? 1) }
    let leased = Set(running.map(\.model))
    let idle = resident.filter { !leased.contains($0) }.reduce(0) { $0 + (sizes[$1] ?? 1) }
    return { [sizes, resident, budget] id in
      let name = Timeline.name(id)
      let size = sizes[name] ?? 1
      let isThere = resident.contains(name)
      let own = isThere && !leased.contains(name) ? size : 0
      return ModelStanding(
        missingBytes: isThere ? 0 : size, freeBytes: budget - used, availableBytes: budget - used + idle - own
      )
    }
  }

  private mutating func advance() { carryOut([]) }

  private mutating func carryOut(_ first: [SchedulerAction]) {
    perform(first)
    perform(state.advance(now: now, standing: standing))
    let violations = state.checkInvariants()
    if !violations.isEmpty { Issue.record("\(violations)") }
    if outcomes.values.contains(where: { $0 > 1 }) {
      Issue.record("a request was answered twice: \(outcomes)")
    }
  }

  private mutating func perform(_ actions: [SchedulerAction]) {
    for action in actions {
      switch action {
      case .admit: break
      case .refuse(let id, let error):
        outcomes[id, default: 0] += 1
        errors.append(error)
        log.append("\(names[id] ?? "?")?\(error.kind.rawValue)")
      case .dispatch(let members, let program, let width):
        widths.append(width)
        programs.append(program)
        shorts += members.map(\.isShort)
        for member in members {
          let name = Timeline.name(member.model)
          for id in member.requests where member.stage == nil || !begun.contains(id) {
            outcomes[id, default: 0] += 1
            if member.stage != nil { begun.insert(id) }
          }
          log.append(member.requests.map { _ in String(name) }.joined(separator: "+"))
          running.append((member.member, name, member.requests, now))
          bringIn(name)
        }
      case .planBatch(let key, let rows, _): plansWanted.append((key, rows))
      case .expire(let id):
        log.append("-\(Timeline.name(id))")
        resident.removeAll { $0 == Timeline.name(id) }
      case .drained(let id): drained.append(id)
      }
    }
  }

  private mutating func bringIn(_ model: Character) {
    resident.removeAll { $0 == model }
    let leased = Set(running.map(\.model))
    func used() -> Int { resident.reduce(sizes[model] ?? 1) { $0 + (sizes[$1] ?? 1) } }
    while used() > budget, let victim = resident.first(where: { !leased.contains($0) }) {
      resident.removeAll { $0 == victim }
    }
    resident.append(model)
  }
}
