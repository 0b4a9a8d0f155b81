extension ResidencyState {
  /// Recomputes from scratch all that is kept incrementally, and what is promised; for tests.
  /// - Returns: what does not hold, in words.
  package func checkInvariants() -> [String] {
    var violations: [String] = []
    func check(_ holds: Bool, _ words: @autoclosure () -> String) {
      if !holds { violations.append(words()) }
    }
    let exclusive = granted.values.reduce(0) { $0 + $1.exclusiveBytes }
    let used = entries.values.reduce(exclusive) { $0 + $1.usedBytes }
    let idle = entries.values.filter(\.isIdle).reduce(0) { $0 + $1.item.byteCount }
    let pinned = entries.values.filter(\.isPinned).reduce(0) { $0 + $1.item.byteCount }
    check(exclusiveBytes == exclusive, "exclusive bytes \(exclusiveBytes), counted \(exclusive)")
    check(usedBytes == used, "used bytes \(usedBytes), counted \(used)")
    check(idleBytes == idle, "idle bytes \(idleBytes), counted \(idle)")
    check(pinnedBytes == pinned, "pinned bytes \(pinnedBytes), counted \(pinned)")
    check(used <= budget, "\(used) bytes used of a budget of \(budget)")
    check(
      counters.peakBytes >= used && counters.peakBytes <= budget, "peak \(counters.peakBytes), used \(used)")
    var leases: [ItemID: Int] = [:]
    for item in granted.values.flatMap(\.items) { leases[item.id, default: 0] += 1 }
    for (id, entry) in entries {
      check(
        entry.leases == leases[id, default: 0],
        "\(id) has \(entry.leases) leases, not \(leases[id, default: 0])")
      check(!entry.isSpoilt || entry.leases > 0, "\(id) is spoilt, and nobody holds it")
    }
    for id in leases.keys { check(entries[id] != nil, "\(id) is leased and not there") }
    for reservation in waiting {
      check(granted[reservation.id] == nil, "\(reservation.owner) waits and is granted")
    }
    return violations
  }
}
