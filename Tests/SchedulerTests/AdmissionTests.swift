import Testing

import Scheduler

@Suite("Which requests are taken")
struct AdmissionTests {
  @Test("the queue is bounded in requests, and says when to ask again")
  func requests() {
    var day = Timeline { $0.maxQueuedRequests = 2 }
    day.place("A")
    day.learn("A", 10)
    day.submit(each: "AAAA")
    #expect(day.log == ["A", "A?queue_full"])
    #expect(day.errors.first?.retryAfter == .milliseconds(10))
  }

  @Test("the queue is bounded in bytes")
  func bytes() {
    var day = Timeline { $0.maxQueuedBytes = 100 }
    day.place("A")
    day.submit("A", bytes: 60)
    day.submit("A", bytes: 60)
    day.submit("A", bytes: 60)
    day.submit("A", bytes: 40)
    #expect(day.log == ["A", "A?queue_full"])
    day.finish()
    // A request that can never fit is not told to retry.
    day.submit("A", bytes: 101)
    #expect(day.log.suffix(1) == ["A?does_not_fit"])
    #expect(day.errors.last?.retryAfter == nil)
  }

  @Test("what would wait longer than maxDelay is refused while it is known to")
  func work() {
    var day = Timeline { $0.maxDelay = 100_000_000 }
    day.place("A")
    day.learn("A", 40)
    day.submit(each: "AAAAAA")
    // The third to wait would begin after 120 ms.
    #expect(day.log == ["A", "A?queue_full", "A?queue_full", "A?queue_full"])
    #expect(day.state.waitingRequests == 2)
  }

  @Test("a deadline that cannot be met is refused at once; of a model that never ran nothing is expected")
  func unreachable() {
    var day = Timeline()
    day.place("AB")
    day.learn("A", 50)
    day.submit("A", deadline: 40)
    day.submit("A", deadline: 60)
    #expect(day.log == ["A?deadline_unreachable", "A"])
    day.submit("B", deadline: 55)
    day.submit("A", deadline: 90)
    #expect(day.log == ["A?deadline_unreachable", "A", "A?deadline_unreachable"])
  }

  @Test("what was measured in a bad moment is believed for ten seconds, and less from then on")
  func doubt() {
    var day = Timeline()
    day.place("A")
    day.learn("A", 50)
    for _ in 0..<100 { day.submit("A", deadline: 40) }
    #expect(day.log.count { $0 == "A?deadline_unreachable" } == 100)
    day.pass(10_000)
    #expect(day.tries("A", deadline: 40) == 4)
  }

  // lane  |A=====|Z==|      A is one of ten models whose runs take longer than they did
  @Test("when runs take longer than expected, what waits behind one is expected later")
  func pace() {
    var day = Timeline()
    day.place("ABCDEFGHIJZ")
    for model in "ABCDEFGHIJZ" { for _ in 0..<10 { day.learn(model, 10) } }
    func takes() -> Bool {
      var later = day
      later.submit("A")
      later.submit("Z", deadline: 28)
      return later.state.waitingRequests == 1
    }
    #expect(takes())
    for model in "ABCDEFGHIJ" { for _ in 0..<2 { day.learn(model, 30) } }
    for _ in 0..<30 { day.learn("A", 10) }
    #expect(takes())
    for model in "BCDEFGHIJ" { for _ in 0..<2 { day.learn(model, 90) } }
    #expect(!takes())
  }

  @Test("after late answers, what is expected just in time is refused, until answers are in time again")
  func margin() {
    var day = Timeline()
    day.place("A")
    day.learn("A", 10)
    func takes() -> Bool {
      var later = day
      later.submit("A", deadline: 13)
      return !later.running.isEmpty
    }
    #expect(takes())
    for _ in 0..<20 {
      day.submit("A", deadline: 100)
      day.end(after: 101)
      for _ in 0..<50 { day.learn("A", 10) }
    }
    #expect(!takes())
    for _ in 0..<1000 {
      day.submit("A", deadline: 1000)
      day.end(after: 10)
    }
    #expect(takes())
  }

  @Test("a margin that was learnt long ago does not shut a model out for good")
  func oldMargin() {
    var day = Timeline()
    day.place("A")
    for _ in 0..<50 { day.learn("A", 1000) }
    day.submit("A", deadline: 1200)
    day.end(after: 1300)
    for _ in 0..<50 { day.learn("A", 1000) }
    day.submit("A", deadline: 1200)
    #expect(day.log == ["A?deadline_unreachable"])
    day.pass(10_000)
    #expect(day.tries("A", deadline: 1200) < 5)
  }

  @Test("loads that took long are tried again soon")
  func oldLoads() {
    var day = Timeline(budget: 1)
    day.place("B")
    for _ in 0..<20 { day.learn("B", 10) }
    for model in "AB" {
      day.submit(model)
      day.end(model, after: 110, loading: 100)
    }
    day.submit("A", deadline: 60)
    #expect(day.log.last == "A?deadline_unreachable")
    day.pass(500)
    #expect(day.tries("A", deadline: 60) < 20)
  }

  // lane  |A|C|C|C|A|A|A|A|A|A|A|A|      the last A begins after 980 ms; a fourth C would make it 1040
  @Test("deadlines do not push what has none past maxDelay")
  func bulk() {
    var day = Timeline { $0.maxDelay = 1_000_000_000 }
    day.place("AC")
    for _ in 0..<20 { day.learn("A", 100) }
    for _ in 0..<20 { day.learn("C", 60) }
    day.submit(each: "AAAAAAAAA")
    day.submit("C", deadline: 500)
    day.end(after: 100)
    for _ in 0..<6 {
      day.submit("C", deadline: 500)
      day.end(after: day.running[0].model == "A" ? 100 : 60)
    }
    #expect(day.log.count { $0 == "C" } == 3)
  }

  @Test("the work ahead counts by what goes before, not by what comes after")
  func ahead() {
    var day = Timeline()
    day.place("A")
    day.learn("A", 50)
    day.submit(each: "AAAA")
    day.submit("A", deadline: 120)
    #expect(day.state.waitingRequests == 4)
    day.submit("A", deadline: 120)
    #expect(day.log == ["A", "A?deadline_unreachable"])
  }

  @Test("what was promised is kept: a nearer deadline that would break a promise is refused")
  func promises() {
    var day = Timeline()
    day.place("A")
    day.learn("A", 50)
    day.submit("A")
    day.submit("A", deadline: 110)
    day.submit("A", deadline: 105)
    #expect(day.log == ["A", "A?deadline_unreachable"])
  }

  @Test("swapping in counts where the model is not resident")
  func swapIn() {
    var day = Timeline(sizes: ["A": 20])
    day.submit("A")
    day.change { state, now in
      state.ended(
        MemberID(rawValue: 1), MemberSample(compute: 10_000_000, swapIn: 40_000_000, bytesLoaded: 20),
        now: now)
    }
    #expect(day.resident == ["A"])
    day.submit("A", deadline: 30)
    #expect(day.log == ["A", "A"])
    day.place("")
    day.submit("A", deadline: 30)
    #expect(day.log == ["A", "A", "A?deadline_unreachable"])
  }

  @Test("one whose deadline passes while it waits is not run, and is answered when it passes")
  func passed() {
    var day = Timeline()
    day.place("AB")
    day.submit("A")
    day.submit("B", deadline: 30)
    #expect(day.state.nextWake == day.now + 30_000_000)
    day.pass(30)
    #expect(day.log == ["A", "B?deadline_passed"])
    day.finish()
    #expect(day.log.count == 2)
  }

  @Test("nobody waits longer than the maximum delay, though what runs was expected to end long ago")
  func waitedTooLong() {
    var day = Timeline { $0.maxDelay = 50_000_000 }
    day.place("AB")
    day.submit("A")
    day.submit("B")
    day.pass(20)
    day.submit("B")
    #expect(day.state.nextWake == day.now + 30_000_000)
    day.pass(30)
    #expect(day.log == ["A", "B?queue_full"])
    day.finish()
    #expect(day.log == ["A", "B?queue_full", "B"])
  }

  @Test("one that cannot be met any more is dropped as soon as that is known")
  func hopeless() {
    var day = Timeline()
    day.place("AB")
    day.learn("B", 20)
    day.learn("A", 10)
    day.submit("A")
    day.submit("B", deadline: 40)
    day.pass(25)
    #expect(day.log == ["A", "B?deadline_unreachable"])
  }

  // Requests that take 10 ms come every 2.5 ms, each with 100 ms of time: four times what one lane can do.
  @Test("at four times the load, what is computed is computed in time")
  func overload() {
    var day = Timeline()
    day.place("A")
    for _ in 0..<10 { day.learn("A", 10) }
    var deadlines: [RequestID: UInt64] = [:]
    var (inTime, late) = (0, 0)
    for step in 0..<400 {
      let id = day.submit("A", deadline: 100)
      deadlines[id] = day.now + 100_000_000
      day.pass(2)
      guard step % 4 == 3, let done = day.running.first?.requests.first else { continue }
      day.end(after: 2)
      if day.now <= deadlines[done] ?? 0 { inTime += 1 } else { late += 1 }
    }
    #expect(late == 0)
    #expect(inTime >= 95)
  }

  @Test("a deadline and a bound on waiting of any size do no harm")
  func extremes() {
    var day = Timeline {
      $0.maxDelay = .max
      $0.minimumResidency = .max
      $0.keepAlive = .max
    }
    day.submit("A", deadline: Int(Int64.max / 2_000_000))
    day.submit("B", keepAlive: UInt64.max / 1_000_000)
    day.finish()
    #expect(day.log == ["A", "B"])
  }
}
