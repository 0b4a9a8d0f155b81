import Device

extension SchedulerState {
  /// The residency of models as one call of ``advance(now:standing:)`` sees it: queried once a model, less
  /// the memory that the call has already granted.
  struct Standings {
    private let ask: (ModelID) -> ModelStanding
    private var known: [ModelID: ModelStanding] = [:]
    private var taken = 0

    init(_ ask: @escaping (ModelID) -> ModelStanding) { self.ask = ask }

    mutating func of(_ model: ModelID) -> ModelStanding {
      var standing = known[model] ?? remember(model)
      standing.freeBytes -= min(taken, standing.freeBytes)
      standing.availableBytes = standing.availableBytes.adding(saturating: -taken)
      return standing
    }

    /// Of all its stages together, where it is a pipeline: what they share counts for each, and so never for too little.
    mutating func of(_ request: Waiting) -> ModelStanding {
      guard !request.stages.isEmpty else { return of(request.model) }
      var all = of(request.stages[0].model)
      all.missingBytes = 0
      for model in request.stages.distinctModels {
        let one = of(model)
        all.missingBytes = all.missingBytes.adding(saturating: one.missingBytes)
        all.freeBytes = min(all.freeBytes, one.freeBytes)
        all.availableBytes = min(all.availableBytes, one.availableBytes)
      }
      return all
    }

    private mutating func remember(_ model: ModelID) -> ModelStanding {
      let standing = ask(model)
      known[model] = standing
      return standing
    }

    /// The request is dispatched, with what it takes beside its weights.
    mutating func take(_ request: Waiting) {
      taken = taken.adding(saturating: request.extraBytes)
      for model in request.stages.isEmpty ? [request.model] : request.stages.distinctModels {
        taken = taken.adding(saturating: known[model]?.missingBytes ?? 0)
        known[model]?.missingBytes = 0
      }
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

  /// Returns the next request to run, or `nil` if nothing can start now.
  func choose(now: UInt64, standings: inout Standings) -> Choice? {
    guard !waiting.isEmpty, occupancy <= (limits.isOneModelAtATime ? 0 : capacity) else { return nil }
    let candidates = candidates
    let urgent = urgent(of: candidates, now: now, standings: &standings)
    let late = Set(urgent.late)
    let timely =
      urgent.first.map { Choice(index: $0, turns: turns) }
      ?? inTurn(of: candidates.filter { !late.contains($0) }, now: now, standings: &standings)
    // A request expected to be late runs if nothing else can: it may be in time all the same.
    guard let choice = timely ?? urgent.late.first.map({ Choice(index: $0, turns: turns) }) else {
      return nil
    }
    // Beside those that compute, one more may load; one that would have to wait for memory is chosen later.
    if occupancy >= capacity {
      let request = waiting[choice.index]
      let standing = standings.of(request)
      guard timely != nil, standing.missingBytes > 0, request.bundle == nil, request.stages.isEmpty,
        fits(request, standing)
      else { return nil }
    }
    return choice
  }

  // MARK: Deadlines, and the bound on waiting

  /// When the request has to have been answered, or to have begun, that goes before others because of that; `nil` when
  /// it is not one of these: it has no deadline, and has waited for less than half of what it may.
  func urgency(of request: Waiting, now: UInt64) -> UInt64? {
    let waited = now > request.admitted ? now - request.admitted : 0
    let bound = waited >= limits.maxDelay / 2 ? bound(of: request) : nil
    return [request.deadline, bound].compactMap { $0 }.min()
  }

  /// Returns the request that goes first because of its urgency, and, in their order, the requests expected
  /// to be late in any case.
  ///
  /// The first is the earliest that is not late. If that one has to evict weights or to wait for memory, a
  /// later request that needs neither goes first, provided that every request it overtakes can still be in
  /// time afterwards.
  private func urgent(
    of candidates: [Int], now: UInt64, standings: inout Standings
  ) -> (first: Int?, late: [Int]) {
    var entries = candidates.compactMap { index in
      urgency(of: waiting[index], now: now).map { (urgency: $0, index: index) }
    }
    guard let earliest = entries.min(by: { ($0.urgency, $0.index) < ($1.urgency, $1.index) }) else {
      return (nil, [])
    }
    var standing = standings.of(waiting[earliest.index])
    if !isExpectedLate(waiting[earliest.index], standing, now: now), spares(waiting[earliest.index], standing)
    {
      return (earliest.index, [])
    }
    entries.sort { ($0.urgency, $0.index) < ($1.urgency, $1.index) }
    var first: Int?
    var late: [Int] = []
    // The time by which all requests seen so far can be delayed.
    var slack = Int64.max
    var work: UInt64 = 0
    for (urgency, index) in entries {
      let request = waiting[index]
      standing = standings.of(request)
      if isExpectedLate(request, standing, now: now) {
        late.append(index)
        continue
      }
      if first == nil {
        first = index
        if spares(request, standing) { break }
      }
      let delay = request.cost / UInt64(capacity)
      if standing.missingBytes == 0, fits(request, standing), Int64(clamping: delay) <= slack {
        return (index, late)
      }
      let finish =
        now + work / UInt64(capacity) + request.cost + estimates.swapIn(standing.missingBytes)
      slack = min(slack, urgency > finish ? Int64(clamping: urgency - finish) : 0)
      work += request.cost
      if slack == 0 { break }
    }
    return (first, late)
  }

  /// Returns true if the request is expected to miss its deadline even if it begins now.
  private func isExpectedLate(_ request: Waiting, _ standing: ModelStanding, now: UInt64) -> Bool {
    guard let deadline = request.deadline else { return false }
    let service = span(of: request.stages, else: request.service) { estimates.mean($0) }
    return now + estimates.swapIn(standing.missingBytes) + service > deadline
  }

  /// Returns true if the request evicts no weights and need not wait for memory.
  private func spares(_ request: Waiting, _ standing: ModelStanding) -> Bool {
    standing.missingBytes <= standing.freeBytes && fits(request, standing)
  }

  // MARK: The others

  /// By priority; then by turns of their tenants; then those whose weights are resident; then first come.
  private func inTurn(of candidates: [Int], now: UInt64, standings: inout Standings) -> Choice? {
    // Each tenant's first request: of all, and of those that evict no weights. A waiting queue may be long: one pass.
    var all = Heads(), sparing = Heads()
    for index in candidates {
      let request = waiting[index]
      if let priority = all.priority, request.priority > priority { continue }
      let standing = standings.of(request)
      // One that does not fit beside what runs lets others past, for a while. When nothing runs, all fit.
      guard
        running.isEmpty || fits(request, standing) || now >= request.admitted + limits.minimumResidency
      else { continue }
      all.add(index, request, isResident: standing.missingBytes == 0)
      if standing.missingBytes <= standing.freeBytes {
        sparing.add(index, request, isResident: standing.missingBytes == 0)
      }
    }
    // After an eviction, no weights are evicted for a while, as long as other requests can run without.
    let isDamped = lastSwap.map { now < $0 + limits.minimumResidency } ?? false
    let heads = isDamped && sparing.priority == all.priority ? sparing.first : all.first
    var turns = turns
    guard let tenant = turns.pick(heads.mapValues { Int(clamping: waiting[$0.index].cost) }),
      let head = heads[tenant]
    else { return nil }
    return Choice(index: head.index, turns: turns)
  }

  /// The foremost request of each tenant: of the best priority, resident before others, first come.
  private struct Heads {
    private(set) var priority: Int?
    private(set) var first: [Int: (index: Int, isResident: Bool)] = [:]

    mutating func add(_ index: Int, _ request: Waiting, isResident: Bool) {
      if let priority, request.priority > priority { return }
      if request.priority != priority {
        priority = request.priority
        first = [:]
      }
      if let head = first[request.tenant], head.isResident || !isResident { return }
      first[request.tenant] = (index, isResident)
    }
  }

  private func fits(_ request: Waiting, _ standing: ModelStanding) -> Bool {
    standing.missingBytes.adding(saturating: request.extraBytes) <= standing.availableBytes
  }
}
