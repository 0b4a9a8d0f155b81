import Device
import Residency
import Testing

// Budget: 10 pages.
// r1: a(6) |-------------- granted ------------|
// r2: b(4) + 1 byte   |------- waits ----------|granted
@Test func `a reservation waits for exactly the bytes it needs`() {
  let (r1, r2) = (
    reservation(1, [extent("a", pages: 6)]), reservation(2, [extent("b", pages: 4)], exclusiveBytes: 1)
  )
  var tight = Timeline(pages: 10)
  tight.hold(r1)
  #expect(tight.after { $0.request(r2) } == [])
  #expect(tight.after { $0.release(r1.id) } == [.evict("a"), .load("b", for: 2), .grant(2)])

  var exact = Timeline(pages: 10)
  exact.hold(r1)
  #expect(
    exact.after { $0.request(reservation(2, [extent("b", pages: 4)])) } == [.load("b", for: 2), .grant(2)])
  #expect(exact.state.usedBytes == exact.state.budget)
}

// r1: a, b |-- granted --------|
// r2: b, c       |-- granted --------|
@Test func `one load serves two members`() {
  var timeline = Timeline(pages: 3)
  #expect(
    timeline.after { $0.request(reservation(1, [extent("a"), extent("b")])) }
      == [.load("a", for: 1), .load("b", for: 1), .grant(1)])
  #expect(
    timeline.after { $0.request(reservation(2, [extent("b"), extent("c")])) } == [
      .load("c", for: 2), .grant(2),
    ])
  #expect(timeline.state.usedBytes == 3 * pageSize)
  for name in ["a", "b", "c"] { #expect(timeline.after { $0.loaded(.extent(name)) } == []) }
  #expect(timeline.state.counters.swapIns == 3)
  #expect(timeline.state.counters.hits == 1)
}

// Budget: 10 pages.
// r1: a(6) |--------- granted ---------|
// r2: b(8)      |------- waits --------|granted
// r3: c(1)         |---- waits, though it would fit: granted after r2
@Test func `the head of the queue is not overtaken`() {
  var timeline = Timeline(pages: 10)
  let r1 = reservation(1, [extent("a", pages: 6)])
  timeline.hold(r1)
  #expect(timeline.after { $0.request(reservation(2, [extent("b", pages: 8)])) } == [])
  #expect(timeline.after { $0.request(reservation(3, [extent("c")])) } == [])
  #expect(
    timeline.after { $0.release(r1.id) }
      == [.evict("a"), .load("b", for: 2), .grant(2), .load("c", for: 3), .grant(3)])
}

// Budget: 10 pages.
// r1: a(6) |--------- granted ---------|
// r2: b(6)   would have to wait: rejected
// r3: c(4)      |-- granted at once ---|
// r4: d(8)         |---- waits --------|
// r5: c(4)            would overtake r4: rejected, though it has room
@Test func `who may not wait is granted at once, or rejected, and overtakes nobody`() {
  var timeline = Timeline(pages: 10)
  timeline.hold(reservation(1, [extent("a", pages: 6)]))
  func noRoom(_ number: UInt64) -> ResidencyAction {
    .reject(ReservationID(rawValue: number), ResidencyError(.noRoomNow(owner: "model \(number)")))
  }
  #expect(
    timeline.after { $0.request(reservation(2, [extent("b", pages: 6)]), mayWait: false) } == [noRoom(2)])
  #expect(
    timeline.after { $0.request(reservation(3, [extent("c", pages: 4)]), mayWait: false) }
      == [.load("c", for: 3), .grant(3)])
  #expect(timeline.after { $0.request(reservation(4, [extent("d", pages: 8)])) } == [])
  #expect(
    timeline.after { $0.request(reservation(5, [extent("c", pages: 4)]), mayWait: false) } == [noRoom(5)])
  #expect(timeline.state.snapshot.waiting == ["model 4"])
}

@Test func `a reservation that waits holds nothing`() {
  var timeline = Timeline(pages: 4)
  timeline.visit(reservation(1, [extent("idle")]))
  timeline.hold(reservation(2, [extent("a", pages: 3)]))
  #expect(timeline.after { $0.request(reservation(3, [extent("idle"), extent("b", pages: 2)])) } == [])
  #expect(timeline.state.snapshot.items.map(\.leases) == [1, 0])
  #expect(timeline.state.snapshot.waiting == ["model 3"])
}

@Test func `a member that cannot fit says both sizes`() throws {
  var timeline = Timeline(pages: 10)
  let actions = timeline.after { $0.request(reservation(1, [extent("a", pages: 10)], exclusiveBytes: 1)) }
  guard case .reject(ReservationID(rawValue: 1), let error)? = actions.first else {
    Issue.record("granted: \(actions)")
    return
  }
  #expect(actions.count == 1)
  #expect(error.kind == .doesNotFit)
  for part in ["'model 1'", "40961 bytes", "40960 bytes"] { #expect(error.description.contains(part)) }
}

@Test func `a member too large is refused at once, even behind others that wait`() {
  var timeline = Timeline(pages: 4)
  timeline.hold(reservation(1, [extent("a", pages: 4)]))
  #expect(timeline.after { $0.request(reservation(2, [extent("b", pages: 4)])) } == [])
  let actions = timeline.after { $0.request(reservation(3, [extent("c", pages: 5)])) }
  guard case .reject(ReservationID(rawValue: 3), _)? = actions.first else {
    Issue.record("not refused: \(actions)")
    return
  }
}

@Test(arguments: [(-1, 0), (0, -1), (Int.max, 0), (Int.max - 4096, Int.max), (pageSize, Int.max)])
func `sizes that cannot be counted are refused`(bytes: Int, exclusive: Int) {
  var timeline = Timeline(pages: 1)
  let item = ResidencyItem(id: .extent("a"), byteCount: bytes == -1 ? -pageSize : bytes, reloadCost: .nan)
  let actions = timeline.after { $0.request(reservation(1, [item], exclusiveBytes: exclusive)) }
  guard case .reject(_, let error)? = actions.first else {
    Issue.record("granted: \(actions)")
    return
  }
  #expect(error.kind == .invalidSize)
}

@Test func `equal hashes with unequal sizes are refused`() {
  var timeline = Timeline(pages: 8)
  timeline.visit(reservation(1, [extent("a", pages: 2)]))
  let actions = timeline.after { $0.request(reservation(2, [extent("a", pages: 3)])) }
  guard case .reject(_, let error)? = actions.first else {
    Issue.record("granted: \(actions)")
    return
  }
  #expect(error.kind == .invalidSize)
  #expect(error.description.contains("8192") && error.description.contains("12288"))
}

@Test func `an item that comes twice in a reservation counts once`() {
  var timeline = Timeline(pages: 2)
  let twice = reservation(1, [extent("a"), extent("b"), extent("a")])
  #expect(timeline.after { $0.request(twice) } == [.load("a", for: 1), .load("b", for: 1), .grant(1)])
  #expect(timeline.after { $0.release(twice.id) } == [])
  #expect(timeline.after { $0.release(twice.id) } == [], "the second release does nothing")
}

// r1: a(4) |------------- granted -------------|
// r2: b(4)     |-- waits --|cancelled
// r3: c(4)         |------ waits --------------|granted
@Test func `a reservation that is cancelled ends with a rejection and lets others pass`() {
  var timeline = Timeline(pages: 4)
  let r1 = reservation(1, [extent("a", pages: 4)])
  timeline.hold(r1)
  #expect(timeline.after { $0.request(reservation(2, [extent("b", pages: 4)])) } == [])
  #expect(timeline.after { $0.request(reservation(3, [extent("a", pages: 4)])) } == [], "b is first")
  let actions = timeline.after { $0.cancel(ReservationID(rawValue: 2)) }
  guard actions.count == 2, case .reject(ReservationID(rawValue: 2), let error) = actions[0] else {
    Issue.record("\(actions)")
    return
  }
  #expect(error.kind == .cancelled)
  #expect(actions[1] == .grant(3))
  #expect(timeline.after { $0.cancel(ReservationID(rawValue: 3)) } == [], "granted ones stay")
  #expect(timeline.state.snapshot.items.map(\.leases) == [2])
}
