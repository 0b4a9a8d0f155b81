import Device

/// Names the plan of a batch.
struct BatchPlan: Hashable, Sendable {
  /// The state of the batch's plan.
  enum State: Sendable { case asked, ready, failed }

  var key: BatchKey?
  var rows: Int

  /// The key under which its runs are measured.
  var shapes: Int { hashValue }
}

extension SchedulerState {
  /// The most batch plans that are remembered.
  private static let batchPlanCapacity = 4096

  /// The plan of a batch has been made, or cannot be.
  package mutating func batchPlanned(_ key: BatchKey, rows: Int, isReady: Bool) {
    batchPlans[BatchPlan(key: key, rows: rows)] = isReady ? .ready : .failed
  }

  /// Dispatches what was chosen: with others of its model as one batch, or with those of its bundle.
  mutating func start(_ choice: Choice, now: UInt64, standings: inout Standings) -> [SchedulerAction] {
    turns = choice.turns
    let chosen = waiting[choice.index]
    var actions: [SchedulerAction] = []
    var members: [[Int]] = [[choice.index]]
    if let bundle = chosen.bundle {
      members = waiting.indices.filter { waiting[$0].bundle == bundle }.map { [$0] }
    } else if let key = chosen.batch {
      let standing = standings.of(chosen.model)
      members = [batch(with: choice.index, key, standing: standing, now: now, asking: &actions)]
    }
    let isShort = members == [[choice.index]] && isShort(chosen, standings.of(chosen))
    if running.isEmpty { program += 1 }
    let rows = members.map { $0.reduce(0) { $0 + waiting[$1].rows } }
    let requests = members.map { $0.map { waiting[$0] } }
    for index in members.joined().sorted(by: >) {
      let request = waiting[index]
      turns.charge(request.tenant, Int(clamping: request.cost))
      let standing = standings.of(request)
      if standing.missingBytes > standing.freeBytes { lastSwap = now }
      standings.take(request)
      _ = remove(at: index)
    }
    var dispatches =
      chosen.stages.isEmpty
      ? zip(requests, rows).map { makeMember(of: $0, rows: $1, now: now) } : begin(chosen, now: now)
    if isShort { dispatches[0].isShort = true }
    return actions + [.dispatch(dispatches, program: program, width: running.count)]
  }

  /// Returns true if a run of the request alone has all its weights and is expected to compute only briefly,
  /// even with one thread. Its measured time may have used as many of the lanes' threads as its kernels can
  /// have.
  private func isShort(_ request: Waiting, _ standing: ModelStanding) -> Bool {
    guard request.stages.isEmpty, standing.missingBytes == 0,
      let measured = estimates.measured(request.service)
    else { return false }
    let threads = min(request.mostThreads, max(limits.lanes, 1))
    return limits.shortRun > 0 && measured.count > 0 && !measured.isDoubted
      && measured.mean * Double(threads) <= Double(limits.shortRun)
  }

  /// The requests that run with the one at `first`, itself included, by their indices in the queue.
  ///
  /// As many as are there: their rows are a power of two, so that few plans are made. A batch whose plan is not there is
  /// asked for, and a smaller one is taken meanwhile.
  private mutating func batch(
    with first: Int, _ key: BatchKey, standing: ModelStanding, now: UInt64,
    asking actions: inout [SchedulerAction]
  ) -> [Int] {
    let chosen = waiting[first]
    let others = waiting.indices.filter { index in
      index != first && waiting[index].batch == key && waiting[index].isPlanned
        && waiting[index].bundle == nil
    }
    guard !others.isEmpty else { return [first] }
    var rows = 1
    while rows <= min(limits.maxBatch, chosen.maxRows) / 2 { rows *= 2 }
    var isAsked = false
    while rows > chosen.rows {
      defer { rows /= 2 }
      guard let members = members(of: rows, from: first, others),
        isWorthwhile(members, key, rows: rows, standing: standing, now: now)
      else { continue }
      switch batchPlans[BatchPlan(key: key, rows: rows)] {
      case .ready: return members
      case .asked: isAsked = true
      case .failed: continue
      case nil:
        if isAsked { continue }
        isAsked = true
        if batchPlans.count >= Self.batchPlanCapacity {
          batchPlans = batchPlans.filter { $0.value == .asked }
        }
        batchPlans[BatchPlan(key: key, rows: rows)] = .asked
        actions.append(.planBatch(key, rows: rows, example: chosen.id))
      }
    }
    return [first]
  }

  /// The first of `others` that make up so many rows with `first`, exactly.
  private func members(of rows: Int, from first: Int, _ others: [Int]) -> [Int]? {
    var left = rows - waiting[first].rows
    var members = [first]
    for index in others where waiting[index].rows <= left && left > 0 {
      members.append(index)
      left -= waiting[index].rows
    }
    return left == 0 && members.count > 1 ? members : nil
  }

  /// Returns true if the batch fits the memory, meets all its requests' deadlines, and is not slower than
  /// single runs.
  private func isWorthwhile(
    _ members: [Int], _ key: BatchKey, rows: Int, standing: ModelStanding, now: UInt64
  ) -> Bool {
    let requests = members.map { waiting[$0] }
    let needed = standing.missingBytes.adding(saturating: requests.map(\.extraBytes).saturatingSum)
    guard needed <= standing.availableBytes,
      requests.allSatisfy({ $0.maxRows >= rows })
    else { return false }
    let alone = requests.reduce(0.0) { $0 + Double($1.cost) }
    let measured = estimates.measured(
      ServiceEstimates.Key(model: key.model, shapes: BatchPlan(key: key, rows: rows).shapes))
    let expected = measured?.mean ?? alone
    if let measured, measured.count >= 4, measured.mean > alone { return false }
    guard let deadline = requests.compactMap(\.deadline).min() else { return true }
    let swapIn = estimates.swapIn(standing.missingBytes)
    return now + swapIn + UInt64(max(expected, 0)) <= deadline
  }
}
