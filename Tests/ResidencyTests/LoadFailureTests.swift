import Device
import Residency
import Testing

// x: |-- loading --|failed
// r1: x |---------------------------|released
// r2: y |------------------------------ not concerned
// r3: x                |-- waits ---|granted: loaded again
@Test func `a failed load fails its members alone, and a later request tries again`() {
  var timeline = Timeline(pages: 3)
  let (r1, r2) = (reservation(1, [extent("x")]), reservation(2, [extent("y")]))
  _ = timeline.after { $0.request(r1) }
  timeline.hold(r2)
  #expect(timeline.after { $0.loadFailed(.extent("x")) } == [])
  #expect(timeline.state.usedBytes == pageSize, "the failed one takes no memory")
  #expect(timeline.after { $0.request(reservation(3, [extent("x")])) } == [], "nobody is given what failed")
  #expect(timeline.after { $0.release(r1.id) } == [.evict("x"), .load("x", for: 3), .grant(3)])
  #expect(timeline.state.snapshot.items.first { $0.id == .extent("y") }?.state == .resident)
}

@Test func `the bytes of a failed load serve who waits for them`() {
  var timeline = Timeline(pages: 4)
  _ = timeline.after { $0.request(reservation(1, [extent("x", pages: 4)])) }
  #expect(timeline.after { $0.request(reservation(2, [extent("y", pages: 4)])) } == [])
  #expect(timeline.after { $0.loadFailed(.extent("x")) } == [.load("y", for: 2), .grant(2)])
}

// x: |-- from p --|failed, from q --|resident
// r1: x of p |-----------------------------|
// r2: x of p |-----------------------------|
// r3: x of q |-----------------------------|
@Test func `what fails to load from one file is loaded from another that a holder has`() {
  var timeline = Timeline(pages: 2)
  let ofP = [extent("x", from: "p")]
  _ = timeline.after { $0.request(reservation(1, ofP)) }
  _ = timeline.after { $0.request(reservation(2, ofP)) }
  _ = timeline.after { $0.request(reservation(3, [extent("x", from: "q")])) }
  #expect(timeline.after { $0.loadFailed(.extent("x")) } == [.load("x", for: 3)])
  #expect(timeline.state.snapshot.items.map(\.state) == [.loading])
  #expect(timeline.state.usedBytes == pageSize, "it takes its memory again")
  #expect(timeline.after { $0.loaded(.extent("x")) } == [])
  #expect(timeline.after { $0.request(reservation(4, ofP)) } == [.grant(4)])
}

// x: |-- from p --|failed, from q --|failed
// r1: x of p |----------------------|-----|released
// r2: x of q |----------------------|-----------|released
// r3: x of p                           |-- waits|granted: loaded again
@Test func `each file is tried once`() {
  var timeline = Timeline(pages: 2)
  let (r1, r2) = (reservation(1, [extent("x", from: "p")]), reservation(2, [extent("x", from: "q")]))
  _ = timeline.after { $0.request(r1) }
  _ = timeline.after { $0.request(r2) }
  #expect(timeline.after { $0.loadFailed(.extent("x")) } == [.load("x", for: 2)])
  #expect(timeline.after { $0.loadFailed(.extent("x")) } == [])
  #expect(timeline.state.usedBytes == 0)
  #expect(timeline.after { $0.request(reservation(3, [extent("x", from: "p")])) } == [])
  #expect(timeline.after { $0.release(r1.id) } == [])
  #expect(timeline.after { $0.release(r2.id) } == [.evict("x"), .load("x", for: 3), .grant(3)])
}

@Test func `a file whose holder has let go is not asked`() {
  var timeline = Timeline(pages: 2)
  let (r1, r2) = (reservation(1, [extent("x", from: "p")]), reservation(2, [extent("x", from: "q")]))
  _ = timeline.after { $0.request(r1) }
  _ = timeline.after { $0.request(r2) }
  _ = timeline.after { $0.release(r2.id) }
  #expect(timeline.after { $0.loadFailed(.extent("x")) } == [])
}

// x: |------------ loading -----------|resident
// r1: |------|released
// r2: y(4)       |------ waits -------|granted: x is evicted only now
@Test func `a release in the middle of a load leaves the load alone`() {
  var timeline = Timeline(pages: 4)
  let r1 = reservation(1, [extent("x", pages: 2)])
  _ = timeline.after { $0.request(r1) }
  #expect(timeline.after { $0.release(r1.id) } == [])
  #expect(timeline.after { $0.evictIdle() } == [], "what is loading stays")
  #expect(timeline.after { $0.request(reservation(2, [extent("y", pages: 4)])) } == [])
  #expect(timeline.after { $0.loaded(.extent("x")) } == [.evict("x"), .load("y", for: 2), .grant(2)])
}

@Test func `a load that nobody waits for any more serves the next who asks`() {
  var timeline = Timeline(pages: 2)
  let r1 = reservation(1, [extent("x")])
  _ = timeline.after { $0.request(r1) }
  _ = timeline.after { $0.release(r1.id) }
  #expect(timeline.after { $0.request(reservation(2, [extent("x")])) } == [.grant(2)])
}

@Test func `a load that fails when nobody holds it is forgotten at once`() {
  var timeline = Timeline(pages: 2)
  let r1 = reservation(1, [extent("x")])
  _ = timeline.after { $0.request(r1) }
  _ = timeline.after { $0.release(r1.id) }
  #expect(timeline.after { $0.loadFailed(.extent("x")) } == [.evict("x")])
  #expect(timeline.state.snapshot.items.isEmpty)
}

// r1: x |---------- x is damaged -----|released
// r2: x |---------------------------------|released: evicted
// r3: x                    |--- waits ----|granted: loaded again
@Test func `a damaged extent leaves with its last lease and is given to nobody`() {
  var timeline = Timeline(pages: 8)
  let (r1, r2) = (reservation(1, [extent("x")]), reservation(2, [extent("x")]))
  timeline.hold(r1)
  timeline.hold(r2)
  #expect(timeline.after { $0.damaged(.extent("x")) } == [])
  #expect(timeline.after { $0.damaged(.extent("x")) } == [], "both may say so")
  #expect(timeline.after { $0.request(reservation(3, [extent("x")])) } == [])
  #expect(timeline.after { $0.release(r1.id) } == [])
  #expect(timeline.after { $0.release(r2.id) } == [.evict("x"), .load("x", for: 3), .grant(3)])
}

@Test func `a damaged extent leaves though it is pinned`() {
  var timeline = Timeline(pages: 8)
  let r1 = reservation(1, [extent("x")])
  timeline.hold(r1)
  _ = timeline.after { $0.pin(.extent("x")) }
  #expect(timeline.after { $0.damaged(.extent("x")) } == [])
  #expect(timeline.after { $0.release(r1.id) } == [.evict("x")])
}

@Test func `events about items that are not there do nothing`() {
  var timeline = Timeline(pages: 2)
  timeline.visit(reservation(1, [extent("a")]))
  let before = timeline.state.snapshot
  for id in [ItemID.extent("b"), .arena(1), .extent("a")] {
    #expect(timeline.after { $0.loaded(id) } == [])
    #expect(timeline.after { $0.loadFailed(id) } == [])
    #expect(timeline.after { $0.unpin(id) } == [])
  }
  #expect(timeline.after { $0.pin(.extent("b")) } == [])
  #expect(timeline.after { $0.damaged(.arena(7)) } == [])
  #expect(timeline.after { $0.release(ReservationID(rawValue: 9)) } == [])
  #expect(timeline.state.snapshot == before)
}
