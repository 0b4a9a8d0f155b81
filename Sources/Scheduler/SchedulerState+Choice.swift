extension SchedulerState {
  /// What is resident, as one call of ``advance(now:standing:)`` sees it: asked once a model, and without what that call
  /// has already given away.
  struct Standings {
    private let ask: (ModelID) -> ModelStanding
    private var known: [ModelID: ModelStanding] = [:]
    private var taken = 0

    init(_ ask: @escaping (ModelID) -> ModelStanding) { self.ask = ask }

    mutating func of(_ model: ModelID) -> ModelStanding {
      var standing = known[model] ?? ask(model)
      known[model] = standing
      standing.freeBytes -= min(taken, standing.freeBytes)
      standing.availableBytes -= taken
      return standing
    }

    /// A member of `model` is dispatched, which takes `extraBytes` beside its weights.
    mutating func take(_ model: ModelID, extraBytes: Int) {
      taken += (known[model]?.missingBytes ?? 0) + extraBytes
      known[model]?.missingBytes = 0
    }
  }

  /// Requests that may run now, by their index in the queue.
  private var candidates: [Int] {
    let open = Set(waiting.lazy.filter { !$0.isPlanned }.compactMap(\.bundle))
    return waiting.indices.filter { index in
      waiting[index].isPlanned && (waiting[index].bundle.map { !open.contains($0) } ?? true)
    }
  }

  /// The request that goes next.
  struct Choice: Sendable {
    /// Its index in the queue.
    var index: Int
    /// The tenants' turns, once it is served.
    var turns: DeficitRoundRobin
  }

  /// What goes next; `nil` when nothing can start now.
  func choose(now: UInt64, standings: inout Standings) -> Choice? {
    guard !waiting.isEmpty, occupancy <= (limits.isOneModelAtATime ? 0 : capacity) else { return nil }
    let candidates = candidates
    let urgent = urgent(of: candidates, now: now, standings: &standings)
    guard
      let choice = urgent.map({ Choice(index: $0, turns: turns) })
        ?? inTurn(of: candidates, now: now, standings: &standings)
    else { return nil }
    // Beside those that compute, one more may load; one that would have to wait for memory is chosen later.
    if occupancy >= capacity {
      let request = waiting[choice.index]
      let standing = standings.of(request.model)
      guard standing.missingBytes > 0, request.bundle == nil, request.stages.isEmpty, fits(request, standing)
      else { return nil }
    }
    return choice
  }

  // MARK: Deadlines, and the bound on waiting

  /// When the request has to have been answered, or to have begun, that goes before others because of that; `nil` when
  /// it is not one of these: it has no deadline, and has waited for less than half of what it may.
  func urgency(of request: Waiting, now: UInt64) -> UInt64? {
    let waited = now > request.admitted ? now - request.admitted : 0
    let bound = waited >= limits.maxDelay / 2 ? request.admitted + limits.maxDelay : nil
    return [request.deadline, bound].compactMap { $0 }.min()
  }

  /// The earliest; or, when that one has to throw weights out or to wait for memory, a later one that needs neither, if all
  /// that it is let past of can still be in time afterwards.
  private func urgent(of candidates: [Int], now: UInt64, standings: inout Standings) -> Int? {
    let ordered = candidates.compactMap { index in
      urgency(of: waiting[index], now: now).map { (urgency: $0, index: index) }
    }.sorted { ($0.urgency, $0.index) < ($1.urgency, $1.index) }
    guard let first = ordered.first else { return nil }
    var standing = standings.of(waiting[first.index].model)
    guard standing.missingBytes > standing.freeBytes || !fits(waiting[first.index], standing) else {
      return first.index
    }
    // How long all that came so far can be held up.
    var slack = Int64.max
    var work: UInt64 = 0
    for (urgency, index) in ordered {
      let request = waiting[index]
      standing = standings.of(request.model)
      let delay = request.cost / UInt64(capacity)
      if standing.missingBytes == 0, fits(request, standing), Int64(clamping: delay) <= slack { return index }
      let finish =
        now + work / UInt64(capacity) + request.cost + estimates.swapIn(standing.missingBytes)
      slack = min(slack, urgency > finish ? Int64(clamping: urgency - finish) : 0)
      work += request.cost
      if slack == 0 { break }
    }
    return first.index
  }

  // MARK: The others

  /// By priority; then by turns of their tenants; then those whose weights are resident; then first come.
  private func inTurn(of candidates: [Int], now: UInt64, standings: inout Standings) -> Choice? {
    let all = candidates.map { (index: $0, standing: standings.of(waiting[$0].model)) }
    // One that does not fit beside what runs lets others past, for a while. When nothing runs, all fit.
    let eligible = all.filter { index, standing in
      running.isEmpty || fits(waiting[index], standing)
        || now >= waiting[index].admitted + limits.minimumResidency
    }
    guard let priority = eligible.map({ waiting[$0.index].priority }).min() else { return nil }
    let foremost = eligible.filter { waiting[$0.index].priority == priority }
    var heads: [Int: (index: Int, isResident: Bool)] = [:]
    for (index, standing) in damped(foremost, now: now) {
      let isResident = standing.missingBytes == 0
      if let head = heads[waiting[index].tenant], head.isResident || !isResident { continue }
      heads[waiting[index].tenant] = (index, isResident)
    }
    var turns = turns
    guard let tenant = turns.pick(heads.mapValues { Int(clamping: waiting[$0.index].cost) }),
      let head = heads[tenant]
    else { return nil }
    return Choice(index: head.index, turns: turns)
  }

  /// Without those that throw weights out, for a while after that was done, as long as others can run without.
  private func damped(
    _ entries: [(index: Int, standing: ModelStanding)], now: UInt64
  ) -> [(index: Int, standing: ModelStanding)] {
    guard let lastSwap, now < lastSwap + limits.minimumResidency else { return entries }
    let resident = entries.filter { $0.standing.missingBytes <= $0.standing.freeBytes }
    return resident.isEmpty ? entries : resident
  }

  private func fits(_ request: Waiting, _ standing: ModelStanding) -> Bool {
    standing.missingBytes + request.extraBytes <= standing.availableBytes
  }
}
