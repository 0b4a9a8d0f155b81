import Testing

import Scheduler

@Suite("Members that run at the same time")
struct LanesTests {
  // lane 0  |A====|   |C==|
  // lane 1    |B=====|
  @Test("a request that arrives joins the running program; one that finds nothing running begins another")
  func joins() {
    var day = Timeline(lanes: 2)
    day.place("ABC")
    day.submit(each: "AB")
    #expect(day.log == ["A", "B"])
    day.end("A")
    day.submit("C")
    day.end("B")
    day.end("C")
    day.submit("A")
    #expect(day.widths == [1, 2, 2, 1])
    #expect(Set(day.programs).count == 2)
  }

  @Test("what waits is chosen when a lane is free, not before")
  func late() {
    var day = Timeline(lanes: 2)
    day.place("ABCD")
    day.submit(each: "ABC")
    #expect(day.log == ["A", "B"])
    day.submit("D", priority: -1)
    day.end("A")
    #expect(day.log == ["A", "B", "D"])
  }

  // lane 0  |A====|
  // loads     |B==|       while A computes
  @Test("one more member is dispatched while all lanes compute, when its weights have to come in")
  func ahead() {
    var day = Timeline(lanes: 1)
    day.place("A")
    day.submit(each: "ABC")
    #expect(day.log == ["A", "B"])
    day.end("A")
    #expect(day.log == ["A", "B", "C"])
  }

  @Test("what does not fit beside what runs lets others past, for as long as a swap-in is spared")
  func lettingPast() {
    var day = Timeline(lanes: 2, budget: 10, sizes: ["A": 6, "B": 6, "C": 1]) {
      $0.minimumResidency = 50_000_000
    }
    day.place("AC")
    day.submit(each: "ABC")
    #expect(day.log == ["A", "C"])
    day.submit("C")
    day.end("C", after: 60)
    #expect(day.log == ["A", "C", "C"])
    day.submit("B")
    day.end("C", after: 60)
    #expect(day.log == ["A", "C", "C", "B"])
  }

  // The limit is 20 ms, with two lanes: what had both of them takes twice as long with one.
  @Test("short is what was seen to take a moment, also with one thread, and has its weights; alone")
  func short() {
    var day = Timeline(lanes: 2) {
      $0.shortRun = 20_000_000
      $0.maxBatch = 4
    }
    day.place("AB")
    // Of the first nothing is known.
    let runs: [(Character, UInt64)] = [("A", 10), ("A", 10), ("B", 11), ("B", 11)]
    for (model, milliseconds) in runs {
      day.submit(model)
      day.end(model, after: milliseconds)
    }
    #expect(day.shorts == [false, true, false, false])
    // A's weights come in again.
    day.place("B")
    for _ in 0..<2 {
      day.submit("A")
      day.end("A")
    }
    day.submit("A", bundle: 1, decides: false)
    day.submit("A", bundle: 1)
    #expect(day.shorts.suffix(4) == [false, true, false, false])
    day.finish()
    // B took 11 ms, and no kernel of it can have had two threads.
    day.submit("B", mostThreads: 1)
    #expect(day.shorts.last == true)
  }

  @Test("refusals for deadlines make nobody short")
  func doubtedIsNotShort() {
    var day = Timeline(lanes: 2) { $0.shortRun = 20_000_000 }
    day.place("A")
    day.learn("A", 50)
    day.pass(10_000)
    #expect(day.tries("A", deadline: 1) > 10)
    #expect(day.log.last == "A" && day.shorts.last == false)
  }

  @Test("one model at a time: the next program begins when the previous one has ended")
  func oneModelAtATime() {
    var day = Timeline(lanes: 2) { $0.isOneModelAtATime = true }
    day.submit(each: "ABA")
    #expect(day.log == ["A"])
    day.end("A")
    #expect(day.log.count == 2)
    day.finish()
    #expect(day.widths == [1, 1, 1])
    #expect(Set(day.programs).count == 3)
  }

  @Test("requests of a bundle are dispatched together, once all of them are planned")
  func bundle() {
    var day = Timeline(lanes: 2)
    day.place("ABC")
    day.submit("A", bundle: 7, decides: false)
    let late = day.submit("B", isPlanned: false, bundle: 7, decides: false)
    day.submit("C", bundle: 7)
    #expect(day.log.isEmpty)
    day.planned(late)
    #expect(day.log == ["A", "B", "C"])
    #expect(day.widths == [3])
  }

  @Test("a request that is not planned yet holds up nobody")
  func unplanned() {
    var day = Timeline()
    day.place("AB")
    let slow = day.submit("A", isPlanned: false)
    day.submit("B")
    #expect(day.log == ["B"])
    day.planned(slow)
    day.end("B")
    #expect(day.log == ["B", "A"])
  }
}
