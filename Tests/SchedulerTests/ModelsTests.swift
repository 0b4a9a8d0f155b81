import Testing

import Scheduler

@Suite("Models that stay and leave")
struct ModelsTests {
  @Test("an idle model leaves after its keep-alive; a use puts that off")
  func keepAlive() {
    var day = Timeline { $0.keepAlive = 100_000_000 }
    day.submit("A")
    day.end(after: 10)
    day.pass(90)
    #expect(day.log == ["A"])
    day.submit("A")
    day.end(after: 20)
    day.pass(99)
    #expect(day.log == ["A", "A"])
    #expect(day.state.nextWake == day.now + 1_000_000)
    day.pass(1)
    #expect(day.log == ["A", "A", "-A"])
  }

  // A  |==|...keep-alive: 100 ms...|
  // B     |=======================…    and one more waits, for 30 ms at most
  @Test("the next wake is at a deadline or at the end of a keep-alive, whichever is earlier")
  func wakes() {
    for (milliseconds, wake) in [(0, 30), (80, 20)] as [(UInt64, UInt64)] {
      var day = Timeline { $0.keepAlive = 100_000_000 }
      day.place("AB")
      day.submit("A")
      day.end("A")
      day.submit("B")
      day.pass(milliseconds)
      day.submit("B", deadline: 30)
      #expect(day.state.nextWake == day.now + wake * 1_000_000)
    }
  }

  @Test("the request's keep-alive goes before the model's, and that before the server's; 0 is at once")
  func whoseKeepAlive() {
    var day = Timeline { $0.keepAlive = 100_000_000 }
    day.change { state, _ in
      state.setKeepAlive(50_000_000, of: Timeline.id("B"), named: "B")
      return []
    }
    day.submit("A", keepAlive: 0)
    day.end()
    #expect(day.log == ["A", "-A"])
    day.submit("B")
    day.end()
    day.pass(50)
    #expect(day.log == ["A", "-A", "B", "-B"])
    day.submit("B", keepAlive: 70)
    day.end()
    day.pass(60)
    #expect(day.log.last == "B")
    day.pass(10)
    #expect(day.log.last == "-B")
  }

  @Test("a model that is used does not leave, nor one that is pinned; unpinned, its time begins")
  func pins() {
    var day = Timeline(lanes: 1) { $0.keepAlive = 100_000_000 }
    day.submit("A")
    day.pass(500)
    #expect(day.log == ["A"])
    day.change { state, _ in
      state.pinned(Timeline.id("A"), named: "A")
      return []
    }
    day.end("A")
    #expect(day.state.nextWake == nil)
    day.pass(500)
    #expect(day.log == ["A"])
    day.change { state, now in state.unpinned(Timeline.id("A"), now: now) }
    day.pass(100)
    #expect(day.log == ["A", "-A"])
  }

  @Test("a request that never ran changes nothing about when an idle model leaves")
  func cancelledRequests() {
    var day = Timeline(lanes: 1) { $0.keepAlive = 1_000_000_000 }
    day.submit("A", keepAlive: 100)
    day.end("A")
    day.submit("B")
    let waiting = day.submit("A")
    day.pass(100)
    #expect(day.log == ["A", "B"])
    day.cancel(waiting, isWaiting: true)
    #expect(day.log == ["A", "B", "-A"])
  }

  @Test("an evicted model leaves at once, or when its last request has been answered")
  func evicted() {
    var day = Timeline()
    day.submit("A")
    day.change { state, now in state.evicted(Timeline.id("A"), named: "A", now: now) }
    #expect(day.log == ["A"])
    day.end("A")
    #expect(day.log == ["A", "-A"])
    day.submit("A")
    day.end("A")
    #expect(day.log == ["A", "-A", "A"])
    day.change { state, now in state.evicted(Timeline.id("A"), named: "A", now: now) }
    #expect(day.log == ["A", "-A", "A", "-A"])
  }

  @Test("a draining model refuses what is new, answers what waits, and takes requests again afterwards")
  func drainModel() {
    var day = Timeline()
    day.place("AB")
    day.submit(each: "AA")
    day.change { state, _ in state.drained(Timeline.id("A"), named: "A") }
    day.submit("A")
    day.submit("B")
    #expect(day.log == ["A", "A?draining"])
    day.end("A")
    #expect(day.drained.isEmpty)
    day.end("A")
    #expect(day.drained == [Timeline.id("A")])
    day.submit("A")
    day.finish()
    #expect(day.log == ["A", "A?draining", "A", "B", "A"])
  }

  @Test("a draining server refuses all, and has drained when nothing waits or runs")
  func drainAll() {
    var day = Timeline()
    day.place("AB")
    day.submit("A")
    let waiting = day.submit("B")
    day.change { state, _ in state.drainedAll() }
    day.submit("A")
    #expect(day.log == ["A", "A?draining"])
    day.cancel(waiting, isWaiting: true)
    #expect(day.drained.isEmpty)
    day.end("A")
    #expect(day.drained == [nil])
    var idle = Timeline()
    idle.change { state, _ in state.drainedAll() }
    #expect(idle.drained == [nil])
  }

  // A B A B with room for one model.
  @Test("requests of the model that is resident are served before it makes room for another")
  func storm() {
    var day = Timeline(budget: 10, sizes: ["A": 10, "B": 10])
    day.submit(each: "ABABABAB")
    day.finish()
    #expect(day.log == ["A", "A", "A", "A", "B", "B", "B", "B"])
  }

  @Test("a storm between tenants swaps no more often than minimumResidency, and starves nobody")
  func stormOfTenants() {
    var day = Timeline(budget: 10, sizes: ["A": 10, "B": 10]) { $0.minimumResidency = 100_000_000 }
    for _ in 0..<40 {
      day.submit("A", tenant: "x")
      day.submit("B", tenant: "y")
    }
    while !day.running.isEmpty { day.end(after: 10) }
    let swaps = zip(day.log, day.log.dropFirst()).count { $0 != $1 }
    #expect(day.log.count == 80)
    #expect(swaps <= 9, "\(swaps) swaps in 800 ms")
    #expect(swaps >= 2, "\(day.log)")
  }

  @Test("a storm of deadlines: the resident model goes first as long as the other one's are met all the same")
  func stormOfDeadlines() {
    var day = Timeline(budget: 10, sizes: ["A": 10, "B": 10])
    day.learn("B", 10)
    day.learn("A", 10)
    for _ in 0..<4 {
      day.submit("A", deadline: 200)
      day.submit("B", deadline: 190)
    }
    var late = 0
    let begin = day.now
    while !day.running.isEmpty {
      day.end(after: 10)
      if day.now > begin + 190_000_000 { late += 1 }
    }
    #expect(late == 0)
    #expect(day.log == ["A", "A", "A", "A", "B", "B", "B", "B"])
  }
}
