import Device
import Residency
import Testing

/// The budget is a sum over prefixes of the actions: what is given back comes before what is taken.
@Test func `evictions come before the loads that need their room`() {
  var timeline = Timeline(pages: 6)
  for (number, name) in ["a", "b", "c"].enumerated() {
    timeline.visit(reservation(UInt64(number), [extent(name, pages: 2)]))
  }
  var used = timeline.state.usedBytes
  #expect(used == timeline.state.budget)
  let actions = timeline.after {
    $0.request(reservation(9, [extent("d", pages: 2), extent("e", pages: 1)], exclusiveBytes: 5))
  }
  let bytes = ["a": 2, "b": 2, "c": 2, "d": 2, "e": 1].mapValues { $0 * pageSize }
  for action in actions {
    switch action {
    case .evict(.extent(let name)): used -= bytes[name] ?? 0
    case .load(.extent(let name), _): used += bytes[name] ?? 0
    case .grant: used += 5
    default: Issue.record("\(action)")
    }
    #expect(used <= timeline.state.budget)
  }
  #expect(used == timeline.state.usedBytes)
  #expect(timeline.state.counters.peakBytes <= timeline.state.budget)
}

@Test func `pinned extents are never evicted, and who cannot fit beside them is refused`() {
  var timeline = Timeline(pages: 4)
  timeline.hold(reservation(1, [extent("p", pages: 2)]))
  _ = timeline.after { $0.pin(.extent("p")) }
  _ = timeline.after { $0.pin(.extent("p")) }
  _ = timeline.after { $0.release(ReservationID(rawValue: 1)) }
  #expect(timeline.after { $0.evictIdle() } == [])
  guard
    case .reject(_, let error)? = timeline.after({ $0.request(reservation(2, [extent("a", pages: 3)])) })
      .first
  else {
    Issue.record("granted over a pinned extent")
    return
  }
  #expect(error.kind == .doesNotFit)
  #expect(error.description.contains("8192 bytes"), "what the pinned ones keep")
  #expect(
    timeline.after { $0.request(reservation(3, [extent("p", pages: 2), extent("b", pages: 2)])) }
      == [.load("b", for: 3), .grant(3)], "its own pinned extent is not in its way")
  _ = timeline.after { $0.unpin(.extent("p")) }
  _ = timeline.after { $0.loaded(.extent("b")) }
  _ = timeline.after { $0.release(ReservationID(rawValue: 3)) }
  #expect(timeline.after { $0.evictIdle() } == [.evict("b")], "pinned twice, unpinned once")
  _ = timeline.after { $0.unpin(.extent("p")) }
  #expect(timeline.after { $0.evictIdle() } == [.evict("p")])
}

// r1: p(2), a(2) |----- granted ----------
// r2: b(4)            |-- waits --|p is pinned: refused
// r3: a(2)               |- waits |granted
@Test func `who waits and can no longer fit beside what is pinned is refused`() {
  var timeline = Timeline(pages: 4)
  timeline.hold(reservation(1, [extent("p", pages: 2), extent("a", pages: 2)]))
  #expect(timeline.after { $0.request(reservation(2, [extent("b", pages: 4)])) } == [])
  #expect(timeline.after { $0.request(reservation(3, [extent("a", pages: 2)])) } == [])
  let actions = timeline.after { $0.pin(.extent("p")) }
  guard actions.count == 2, case .reject(ReservationID(rawValue: 2), _) = actions[0] else {
    Issue.record("\(actions)")
    return
  }
  #expect(actions[1] == .grant(3))
}

@Test func `leased and loading items are not evicted`() {
  var timeline = Timeline(pages: 4)
  timeline.hold(reservation(1, [extent("leased")]))
  _ = timeline.after { $0.request(reservation(2, [extent("loading")])) }
  _ = timeline.after { $0.release(ReservationID(rawValue: 2)) }
  timeline.visit(reservation(3, [extent("idle")]))
  #expect(timeline.after { $0.request(reservation(4, [extent("a", pages: 3)])) } == [])
  #expect(timeline.after { $0.cancel(ReservationID(rawValue: 4)) }.count == 1)
  #expect(
    timeline.after { $0.request(reservation(5, [extent("b", pages: 2)])) }
      == [.evict("idle"), .load("b", for: 5), .grant(5)])
}

@Test func `a reservation does not evict its own items`() {
  var timeline = Timeline(pages: 4)
  timeline.visit(reservation(1, [extent("cheap", pages: 2, cost: 0.1)]))
  timeline.visit(reservation(2, [extent("dear", pages: 2, cost: 100)]))
  #expect(
    timeline.after {
      $0.request(reservation(3, [extent("cheap", pages: 2, cost: 0.1), extent("a", pages: 2)]))
    }
      == [.evict("dear"), .load("a", for: 3), .grant(3)])
}

@Test func `what is cheap to bring back for its size goes first`() {
  var timeline = Timeline(pages: 4)
  timeline.visit(reservation(1, [extent("warm", pages: 2, cost: 1)]))
  timeline.visit(reservation(2, [extent("cold", pages: 2, cost: 50)]))
  #expect(timeline.after { $0.request(reservation(3, [extent("a", pages: 2)])) }.first == .evict("warm"))
}

@Test func `what is used often stays`() {
  var timeline = Timeline(pages: 4)
  for number in 1...5 { timeline.visit(reservation(UInt64(number), [extent("often", pages: 2)])) }
  timeline.visit(reservation(6, [extent("once", pages: 2)]))
  #expect(timeline.after { $0.request(reservation(7, [extent("a", pages: 2)])) }.first == .evict("once"))
}

@Test func `among equals the one used longest ago goes first, and of one member its tail`() {
  var timeline = Timeline(pages: 4)
  timeline.visit(reservation(1, [extent("old head"), extent("old tail")]))
  timeline.visit(reservation(2, [extent("new head"), extent("new tail")]))
  #expect(
    timeline.after { $0.request(reservation(3, [extent("a", pages: 3)])) }.prefix(3)
      == [.evict("old tail"), .evict("old head"), .evict("new tail")])
}

/// GreedyDual's inflation: a dear item that nobody uses is overtaken by cheap ones that come and go.
@Test func `what was dear once does not stay for ever`() {
  var timeline = Timeline(pages: 3)
  timeline.visit(reservation(0, [extent("dear", cost: 10)]))
  var visits: UInt64 = 0
  while timeline.state.snapshot.items.contains(where: { $0.id == .extent("dear") }), visits < 100 {
    visits += 1
    timeline.visit(reservation(visits, [extent("cheap \(visits)")]))
  }
  #expect((10...40).contains(visits), "after \(visits) others")
}

@Test func `what turns out not to be needed is spared`() {
  var timeline = Timeline(pages: 5)
  timeline.visit(reservation(1, [extent("small")]))
  timeline.visit(reservation(2, [extent("large", pages: 4)]))
  #expect(
    timeline.after { $0.request(reservation(3, [extent("a", pages: 4)])) }
      == [.evict("large"), .load("a", for: 3), .grant(3)], "small was first, and is not enough")
}

@Test func `throwing out what is idle leaves what is leased`() {
  var timeline = Timeline(pages: 4)
  timeline.visit(reservation(1, [extent("a"), extent("b")]))
  timeline.hold(reservation(2, [extent("b")]))
  timeline.visit(
    Reservation(
      id: ReservationID(rawValue: 3), owner: "m",
      items: [ResidencyItem(id: .arena(1), byteCount: 100, reloadCost: 0)], exclusiveBytes: 0))
  #expect(Set(timeline.after { $0.evictIdle() }) == [.evict("a"), .evict(.arena(1))])
  #expect(timeline.state.usedBytes == pageSize)
  #expect(timeline.state.counters.evictions == 1, "arenas are not counted")
}

@Test func `throwing out idle weights leaves arenas`() {
  var timeline = Timeline(pages: 4)
  timeline.visit(
    Reservation(
      id: ReservationID(rawValue: 1), owner: "m",
      items: [extent("a"), ResidencyItem(id: .arena(1), byteCount: 100, reloadCost: 0)], exclusiveBytes: 0))
  #expect(timeline.after { $0.evictIdle { $0 != .arena(1) } } == [.evict("a")])
  #expect(timeline.state.usedBytes == pageSize)
}
