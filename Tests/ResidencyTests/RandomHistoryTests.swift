import Device
import Residency
import Testing

/// SplitMix64.
private struct Random: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// An observer that sees only events and actions, and keeps no sums or policies of its own. It finds every
/// wrong action and every missing grant.
private struct Observer {
  enum Phase { case loading, resident, damaged, failed }
  let budget: Int
  var phases: [ItemID: Phase] = [:]
  var sizes: [ItemID: Int] = [:]
  /// The origins from which loading each present item was tried.
  var origins: [ItemID: Set<String>] = [:]
  var pins: [ItemID: Int] = [:]
  var held: [ReservationID: Reservation] = [:]
  var queue: [Reservation] = []
  var answers: [ReservationID: Int] = [:]

  func origin(of id: ItemID, in reservation: Reservation?) -> String? {
    reservation?.items.first { $0.id == id }?.origin
  }
  func leases(_ id: ItemID) -> Int { held.values.filter { $0.items.contains { $0.id == id } }.count }
  func isPinned(_ id: ItemID) -> Bool {
    pins[id, default: 0] > 0 && (phases[id] == .loading || phases[id] == .resident)
  }
  func isSpoilt(_ id: ItemID) -> Bool { phases[id] == .damaged || phases[id] == .failed }
  var used: Int {
    phases.reduce(0) { $0 + ($1.value == .failed ? 0 : sizes[$1.key] ?? 0) }
      + held.values.reduce(0) { $0 + $1.exclusiveBytes }
  }

  /// Bytes that the reservation needs in all, beside those that others have pinned.
  func canEverFit(_ reservation: Reservation) -> Bool {
    let own = Set(reservation.items.map(\.id))
    let pinned = phases.keys.filter { isPinned($0) && !own.contains($0) }.reduce(0) { $0 + (sizes[$1] ?? 0) }
    return reservation.items.reduce(reservation.exclusiveBytes) { $0 + $1.byteCount } <= budget - pinned
  }

  /// Returns true if the reservation could be granted now by evicting all idle items.
  func fitsNow(_ reservation: Reservation) -> Bool {
    let own = Set(reservation.items.map(\.id))
    if own.contains(where: isSpoilt) { return false }
    let staying = phases.filter { id, phase in
      phase != .failed && !own.contains(id)
        && (phase != .resident || leases(id) > 0 || isPinned(id))
    }
    let others =
      staying.reduce(0) { $0 + (sizes[$1.key] ?? 0) } + held.values.reduce(0) { $0 + $1.exclusiveBytes }
    return others + reservation.items.reduce(reservation.exclusiveBytes) { $0 + $1.byteCount } <= budget
  }

  mutating func see(_ actions: [ResidencyAction]) -> [String] {
    var faults: [String] = []
    for action in actions {
      switch action {
      case .evict(let id):
        if phases[id] == nil { faults.append("\(id) evicted, not there") }
        if phases[id] == .loading { faults.append("\(id) evicted while loading") }
        if leases(id) > 0 { faults.append("\(id) evicted while leased") }
        if isPinned(id) { faults.append("\(id) evicted while pinned") }
        phases[id] = nil
        pins[id] = nil
      case .load(let id, let reservation) where phases[id] == .failed:
        if !origins[id, default: []].insert(origin(of: id, in: held[reservation]) ?? "nobody's").inserted {
          faults.append("\(id) tried twice from one origin")
        }
        if held[reservation] == nil { faults.append("\(id) loaded again for one that does not hold it") }
        phases[id] = .loading
      case .load(let id, let reservation):
        if phases[id] != nil { faults.append("\(id) loaded twice") }
        guard let head = queue.first, head.id == reservation else {
          faults.append("\(id) loaded for one that is not the head")
          continue
        }
        sizes[id] = head.items.first { $0.id == id }?.byteCount
        phases[id] = .loading
        origins[id] = [origin(of: id, in: head) ?? "nobody's"]
      case .grant(let id):
        guard let head = queue.first, head.id == id else {
          faults.append("\(id) overtakes")
          continue
        }
        queue.removeFirst()
        if head.items.contains(where: { phases[$0.id] == nil || isSpoilt($0.id) }) {
          faults.append("\(id) granted without all its items")
        }
        held[id] = head
        answers[id, default: 0] += 1
      case .reject(let id, let error):
        guard let index = queue.firstIndex(where: { $0.id == id }) else {
          faults.append("\(id) rejected, does not wait")
          continue
        }
        if error.kind == .doesNotFit, canEverFit(queue[index]) { faults.append("\(id) rejected, would fit") }
        queue.remove(at: index)
        answers[id, default: 0] += 1
      }
      if used > budget { faults.append("over budget after \(action)") }
    }
    for (id, phase) in phases where phase == .failed {
      let left = held.values.compactMap { origin(of: id, in: $0) }.filter {
        !origins[id, default: []].contains($0)
      }
      if !left.isEmpty { faults.append("\(id) given up, though \(left) are left") }
    }
    if let head = queue.first, fitsNow(head) { faults.append("the head fits and waits") }
    for reservation in queue where !canEverFit(reservation) {
      faults.append("\(reservation.id) waits for ever")
    }
    return faults
  }
}

/// One random history, until a fault is found.
private struct History {
  var random: Random
  var state: ResidencyState
  var observer: Observer
  let sizes: [Int]
  var next: UInt64 = 0

  init(seed: UInt64) {
    random = Random(state: seed)
    let budget = 40 * pageSize
    state = ResidencyState(budget: budget)
    observer = Observer(budget: budget)
    var random = self.random
    sizes = (0..<24).map { _ in Int.random(in: 1...9, using: &random) * pageSize }
  }

  mutating func item(_ index: Int) -> ResidencyItem {
    let id: ItemID = index % 6 == 5 ? .arena(UInt64(index)) : .extent("\(index)")
    let origin = ["p", "q", "r"][Int.random(in: 0..<3, using: &random)]
    return ResidencyItem(
      id: id, byteCount: sizes[index], reloadCost: Double(index % 4) * 100, origin: origin)
  }

  mutating func randomReservation() -> Reservation {
    next += 1
    let count = Int.random(in: 0...7, using: &random)
    let items = (0..<count).map { _ in item(Int.random(in: 0..<24, using: &random)) }
    return Reservation(
      id: ReservationID(rawValue: next), owner: "m\(next)", items: items,
      exclusiveBytes: Int.random(in: 0...(3 * pageSize), using: &random))
  }

  func ids(_ phase: Observer.Phase) -> [ItemID] {
    observer.phases.filter { $0.value == phase }.keys.sorted { $0.description < $1.description }
  }

  /// One event.
  /// - Returns: faults in what the state machine answered.
  mutating func step() -> [String] {
    let actions: [ResidencyAction]
    // A full queue waits for releases: a long one would only repeat itself.
    switch Int.random(in: observer.queue.count > 6 ? 30..<100 : 0..<100, using: &random) {
    case 0..<30:
      let reservation = randomReservation()
      observer.queue.append(reservation)
      actions = state.request(reservation)
    case 30..<55:
      guard let id = ids(.loading).randomElement(using: &random) else { return [] }
      observer.phases[id] = .resident
      actions = state.loaded(id)
    case 55..<58:
      guard let id = ids(.loading).randomElement(using: &random) else { return [] }
      observer.phases[id] = .failed
      actions = state.loadFailed(id)
    case 58..<88:
      let held = observer.held.keys.sorted { $0.rawValue < $1.rawValue }
      guard let id = held.randomElement(using: &random) else { return [] }
      observer.held[id] = nil
      actions = state.release(id)
    case 88..<91:
      actions = state.cancel(ReservationID(rawValue: UInt64.random(in: 0...next, using: &random)))
    case 91..<93:
      guard let id = (ids(.resident) + ids(.loading)).randomElement(using: &random) else { return [] }
      observer.pins[id, default: 0] += 1
      actions = state.pin(id)
    case 93..<97:
      let pinned = observer.pins.keys.sorted { $0.description < $1.description }
      guard let id = pinned.randomElement(using: &random) else { return [] }
      observer.pins[id] = observer.pins[id].flatMap { $0 > 1 ? $0 - 1 : nil }
      actions = state.unpin(id)
    case 97..<99:
      guard let id = ids(.resident).randomElement(using: &random) else { return [] }
      observer.phases[id] = .damaged
      actions = state.damaged(id)
    default: actions = state.evictIdle()
    }
    return observer.see(actions) + differences()
  }

  /// No more requests; all loads end, all leases are given back.
  mutating func drain() -> [String] {
    var faults: [String] = []
    for id in observer.pins.keys {
      while let pins = observer.pins[id] {
        observer.pins[id] = pins > 1 ? pins - 1 : nil
        faults += observer.see(state.unpin(id))
      }
    }
    while !observer.held.isEmpty || !ids(.loading).isEmpty {
      if let id = ids(.loading).first {
        observer.phases[id] = .resident
        faults += observer.see(state.loaded(id))
      } else if let id = observer.held.keys.min(by: { $0.rawValue < $1.rawValue }) {
        observer.held[id] = nil
        faults += observer.see(state.release(id))
      }
      faults += differences()
    }
    if !observer.queue.isEmpty { faults.append("\(observer.queue.count) reservations wait for nothing") }
    if observer.answers.count != Int(next) || observer.answers.values.contains(where: { $0 != 1 }) {
      faults.append("not every reservation was answered once")
    }
    return faults
  }

  private func differences() -> [String] {
    state.checkInvariants()
      + (state.usedBytes == observer.used
        ? [] : ["\(state.usedBytes) bytes, seen from outside \(observer.used)"])
  }
}

@Test(arguments: 1...20 as ClosedRange<UInt64>)
func `random histories keep every promise, and drain`(seed: UInt64) {
  var history = History(seed: seed)
  for event in 0..<2000 {
    let faults = history.step()
    if !faults.isEmpty {
      Issue.record("seed \(seed), event \(event): \(faults)")
      return
    }
  }
  #expect(
    history.state.counters.evictions > 100 && history.state.counters.hits > 100, "the history is a tame one")
  #expect(history.drain() == [])
}
