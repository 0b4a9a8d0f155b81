import Testing

import Scheduler

/// One tenant floods the queue (model F), another asks little (model L).
@Suite("Which tenant is refused first")
struct DisplacementTests {
  @Test("in a full queue the newest request of the tenant with the most waiting gives way")
  func requests() {
    var day = Timeline { $0.maxQueuedRequests = 3 }
    day.place("FGL")
    for model in "FFFG" { day.submit(model, tenant: "flooder") }
    day.submit("L", tenant: "light")
    #expect(day.log == ["F", "G?queue_full"])
    #expect(day.errors.last?.description.contains("gave way") == true)
    #expect(day.errors.last?.retryAfter != nil)
    day.finish()
    #expect(day.log.filter { $0 == "L" }.count == 1)
    #expect(day.outcomes.values.allSatisfy { $0 == 1 })
  }

  @Test("the flooder's own next request is refused, and so is one that would have as much waiting")
  func flooder() {
    var day = Timeline { $0.maxQueuedRequests = 4 }
    day.place("FL")
    for _ in 0..<5 { day.submit("F", tenant: "flooder") }
    day.submit("F", tenant: "flooder")
    #expect(day.log == ["F", "F?queue_full"])
    for _ in 0..<3 { day.submit("L", tenant: "light") }
    // Two each: the third would be more than half of the queue.
    #expect(day.log == ["F", "F?queue_full", "F?queue_full", "F?queue_full", "L?queue_full"])
    day.submit("F", tenant: "flooder")
    #expect(day.log.last == "F?queue_full")
  }

  // waiting  F F L      the light one's second would make it two and two
  @Test("nobody gives way to one that would have as much waiting")
  func equalShares() {
    var day = Timeline { $0.maxQueuedRequests = 3 }
    day.place("FL")
    for _ in 0..<3 { day.submit("F", tenant: "flooder") }
    for _ in 0..<2 { day.submit("L", tenant: "light") }
    #expect(day.log == ["F", "L?queue_full"])
    #expect(day.state.waitingRequests == 3)
  }

  @Test("one tenant alone has the whole queue")
  func alone() {
    var day = Timeline { $0.maxQueuedRequests = 3 }
    day.place("F")
    for _ in 0..<5 { day.submit("F", tenant: "flooder") }
    #expect(day.log == ["F", "F?queue_full"])
    #expect(day.state.waitingRequests == 3)
  }

  @Test("of several, the one with the most waiting gives way")
  func several() {
    var day = Timeline { $0.maxQueuedRequests = 5 }
    day.place("FGL")
    day.submit("F", tenant: "a")
    for _ in 0..<2 { day.submit("F", tenant: "a") }
    for _ in 0..<3 { day.submit("G", tenant: "b") }
    day.submit("L", tenant: "light")
    #expect(day.log == ["F", "G?queue_full"])
  }

  @Test(
    "bytes: as many requests give way as the new one needs, and none for one that asks for more than they have"
  )
  func bytes() {
    var day = Timeline { $0.maxQueuedBytes = 100 }
    day.place("FL")
    day.submit("F", tenant: "flooder")
    for _ in 0..<5 { day.submit("F", tenant: "flooder", bytes: 20) }
    day.submit("L", tenant: "light", bytes: 90)
    #expect(day.log == ["F", "L?queue_full"])
    #expect(day.state.waitingRequests == 5)
    day.submit("L", tenant: "light", bytes: 40)
    #expect(day.log == ["F", "L?queue_full", "F?queue_full", "F?queue_full"])
    #expect(day.state.waitingBytes == 100)
  }

  @Test("work: what another tenant has waiting does not count against one that asks little")
  func work() {
    var day = Timeline { $0.maxDelay = 100_000_000 }
    day.place("FL")
    day.learn("F", 40)
    day.learn("L", 10)
    for _ in 0..<6 { day.submit("F", tenant: "flooder") }
    #expect(day.state.waitingRequests == 2)
    day.submit("L", tenant: "light")
    #expect(day.log.last == "F?queue_full")
    #expect(day.state.waitingRequests == 2)
    day.finish(after: 40)
    #expect(day.log.count { $0 == "L" } == 1)
  }

  @Test("deadlines: a flooder's requests that go first make way for one that would be late behind them")
  func deadlines() {
    var day = Timeline()
    day.place("FL")
    for _ in 0..<5 {
      day.learn("F", 10)
      day.learn("L", 10)
    }
    for _ in 0..<12 { day.submit("F", tenant: "flooder", deadline: 100) }
    let waiting = day.state.waitingRequests
    #expect(day.log.contains("F?deadline_unreachable"))
    day.submit("L", tenant: "light", deadline: 100)
    #expect(day.log.last == "F?queue_full")
    #expect(day.state.waitingRequests == waiting)
    // Nobody gives way for what is late in any case.
    day.submit("L", tenant: "light", deadline: 5)
    #expect(day.log.last == "L?deadline_unreachable")
    #expect(day.state.waitingRequests == waiting)
  }

  // flooder  F F F F F F F F F …   three times what one lane can do, for 600 ms
  // light        L       L         one request every 40 ms
  @Test("at three times the capacity of one tenant, every single request of another is answered")
  func overload() {
    var day = Timeline { $0.maxQueuedRequests = 8 }
    day.place("FL")
    for _ in 0..<10 {
      day.learn("F", 10)
      day.learn("L", 10)
    }
    for step in 0..<180 {
      day.submit("F", tenant: "flooder")
      if step % 12 == 5 { day.submit("L", tenant: "light") }
      day.pass(3)
      if step % 3 == 2 { day.end(after: 1) }
    }
    day.finish(after: 10)
    #expect(day.log.count { $0 == "L" } == 15)
    #expect(!day.log.contains("L?queue_full"))
    #expect(day.log.count { $0 == "F?queue_full" } > 100)
  }
}
