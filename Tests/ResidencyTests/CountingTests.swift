import Device
import Residency
import Testing

/// The figures that others decide by: counters, standings, and what a page of memory is worth.

@Test func `loads are counted with their bytes, and hits are those of extents`() {
  var timeline = Timeline(pages: 8)
  let arena = ResidencyItem(id: .arena(1), byteCount: pageSize, reloadCost: 0, origin: "")
  timeline.hold(reservation(1, [extent("a", pages: 3), arena]))
  #expect(timeline.state.counters.swapIns == 1)
  #expect(timeline.state.counters.bytesLoaded == 3 * pageSize)
  #expect(timeline.state.counters.hits == 0)
  // The second member of the program finds the arena and the extent.
  timeline.hold(reservation(2, [extent("a", pages: 3), arena]))
  #expect(timeline.state.counters.hits == 1)
  #expect(timeline.state.counters.bytesLoaded == 3 * pageSize)
}

@Test func `what is idle is available to others, and not to whom it belongs`() {
  var timeline = Timeline(pages: 8)
  timeline.visit(reservation(1, [extent("a", pages: 2)]))
  timeline.visit(reservation(2, [extent("b", pages: 3)]))
  let own = timeline.state.standing(of: [extent("a", pages: 2), extent("c", pages: 1)])
  #expect(own.missingBytes == pageSize)
  #expect(own.freeBytes == 3 * pageSize)
  #expect(own.availableBytes == 6 * pageSize)
  #expect(timeline.state.standing(of: [extent("c", pages: 1)]).availableBytes == 8 * pageSize)
}

@Test func `of two that cost the same to load, the larger goes first`() {
  var timeline = Timeline(pages: 4)
  timeline.visit(reservation(1, [extent("small", pages: 1, cost: 3)]))
  timeline.visit(reservation(2, [extent("large", pages: 3, cost: 1)]))
  #expect(
    timeline.after { $0.request(reservation(3, [extent("new")])) } == [
      .evict("large"), .load("new", for: 3), .grant(3),
    ])
}

@Test func `of what was chosen and is not needed, the dearest stays`() {
  // a, b and c are chosen, from the cheapest up; without c too little is free, without b enough.
  var timeline = Timeline(pages: 6)
  timeline.visit(reservation(1, [extent("a", pages: 1, cost: 1)]))
  timeline.visit(reservation(2, [extent("b", pages: 1, cost: 2)]))
  timeline.visit(reservation(3, [extent("c", pages: 4, cost: 3)]))
  #expect(
    timeline.after { $0.request(reservation(4, [extent("new", pages: 5)])) } == [
      .evict("a"), .evict("c"), .load("new", for: 4), .grant(4),
    ])
}

@Test func `an unpin too many takes nothing from the next pin`() {
  var timeline = Timeline(pages: 2)
  timeline.hold(reservation(1, [extent("p", pages: 2)]))
  #expect(timeline.after { $0.unpin(.extent("p")) } == [])
  _ = timeline.after { $0.pin(.extent("p")) }
  _ = timeline.after { $0.release(ReservationID(rawValue: 1)) }
  #expect(timeline.after { $0.evictIdle() } == [])
}
