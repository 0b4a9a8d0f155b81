extension SchedulerState {
  /// Models with anything that waits, runs or is pinned.
  package var busyModels: [(id: ModelID, waiting: Int, running: Int, isPinned: Bool)] {
    models.filter { !$0.value.isIdle || $0.value.isPinned }
      .map { ($0.key, $0.value.waiting, $0.value.running, $0.value.isPinned) }
  }

  /// Requests that wait.
  package var waitingRequests: Int { waiting.count }
  /// Members that were dispatched and have not ended.
  package var runningMembers: Int { running.count }

  /// Recomputes from scratch all that is kept incrementally, and what is promised; for tests.
  /// - Returns: what does not hold, in words.
  package func checkInvariants() -> [String] {
    var violations: [String] = []
    func check(_ holds: Bool, _ words: @autoclosure () -> String) {
      if !holds { violations.append(words()) }
    }
    check(waitingBytes == waiting.reduce(0) { $0 + $1.bytes }, "waiting bytes \(waitingBytes)")
    check(waitingCost == waiting.reduce(0) { $0 + $1.cost }, "waiting cost \(waitingCost)")
    check(zip(waiting, waiting.dropFirst()).allSatisfy { $0.id < $1.id }, "requests out of order")
    check(waiting.count <= limits.maxQueuedRequests, "\(waiting.count) requests wait")
    check(waitingBytes <= limits.maxQueuedBytes, "\(waitingBytes) bytes wait")
    check(
      counts.submitted == counts.refused + counts.withdrawn + counts.dispatched + waiting.count,
      "requests are lost or counted twice: \(counts), \(waiting.count) wait")
    for (id, model) in models {
      check(model.waiting == waiting.count { $0.model == id }, "\(model.name): \(model.waiting) wait")
      check(
        model.running == running.values.count { $0.model == id },
        "\(model.name): \(model.running) members run")
      let stages = waiting.flatMap(\.stages) + pipelines.values.flatMap(\.stages)
      check(model.held == stages.count { $0.model == id }, "\(model.name): \(model.held) stages")
    }
    let busy = Set(waiting.map(\.model)).union(running.values.map(\.model))
    check(busy.isSubset(of: models.keys), "a model that is used is forgotten")
    let tenants = Dictionary(grouping: waiting, by: \.tenant).mapValues(\.count)
    check(tenants == tenantNames.mapValues(\.waiting), "waiting requests of tenants")
    check(Set(turns.ring) == Set(tenants.keys) && turns.ring.count == tenants.count, "tenants in turn")
    return violations
  }
}
