import Testing

import Scheduler

@Suite("Clients that go away, and batches")
struct WithdrawalTests {
  @Test("a waiting request leaves at once, one that is being planned too, one that runs goes on")
  func phases() {
    var day = Timeline { $0.maxQueuedRequests = 2 }
    day.place("AB")
    let running = day.submit("A")
    let waiting = day.submit("A")
    let planning = day.submit("B", isPlanned: false)
    day.cancel(running, isWaiting: false)
    day.cancel(waiting, isWaiting: true)
    day.cancel(planning, isWaiting: true)
    day.cancel(planning, isWaiting: false)
    day.planned(planning)
    #expect(day.state.waitingRequests == 0)
    day.submit(each: "AB")
    day.finish()
    #expect(day.log == ["A", "A", "B"])
  }

  @Test("requests of one model run as one batch, of as many rows as a power of two allows")
  func batches() {
    var day = Timeline { $0.maxBatch = 8 }
    day.place("A")
    for _ in 0..<8 { day.submit("A", isBatchable: true) }
    day.end()
    // The plan of four rows is not there yet: one runs alone meanwhile.
    #expect(day.log == ["A", "A"])
    #expect(day.plansWanted.map(\.rows) == [4])
    day.makePlans()
    day.end()
    #expect(day.log == ["A", "A", "A+A+A+A"])
    day.end()
    #expect(day.plansWanted.map(\.rows) == [2])
    day.finish()
    #expect(day.log == ["A", "A", "A+A+A+A", "A", "A"])
  }

  // lane  |A===|A===|A+A=|      the plan of one comes in while the second runs alone
  @Test("a batch takes requests that are planned, and leaves out one whose plan is not there")
  func unplannedMembers() {
    var day = Timeline { $0.maxBatch = 2 }
    day.place("A")
    for _ in 0..<3 { day.submit("A", isBatchable: true) }
    day.end()
    day.makePlans()
    day.finish()
    #expect(day.log == ["A", "A", "A"])
    day.submit("A", isBatchable: true)
    day.submit("A", isBatchable: true)
    let late = day.submit("A", isBatchable: true, isPlanned: false)
    day.end()
    #expect(day.log.last == "A" && day.running.map(\.requests.count) == [1])
    day.submit("A", isBatchable: true)
    day.planned(late)
    day.end()
    #expect(day.log.suffix(3) == ["A", "A", "A+A"])
  }

  @Test("rows count, not requests; a plan that cannot be made is not asked for again")
  func rows() {
    var day = Timeline { $0.maxBatch = 8 }
    day.place("A")
    day.submit("A", isBatchable: true)
    day.submit("A", rows: 3, isBatchable: true)
    day.submit("A", rows: 5, isBatchable: true)
    day.submit("A", rows: 1, isBatchable: true)
    day.end()
    #expect(day.plansWanted.map(\.rows) == [8])
    day.makePlans(isReady: false)
    day.finish()
    #expect(day.plansWanted.map(\.rows).isEmpty)
    #expect(day.log == ["A", "A", "A", "A"])
  }

  @Test("a batch is not made where it would be too late for one that is in it")
  func batchDeadline() {
    var day = Timeline { $0.maxBatch = 4 }
    day.place("A")
    day.learn("A", 10)
    day.submit("A")
    for _ in 0..<4 { day.submit("A", deadline: 1000, isBatchable: true) }
    day.end(after: 10)
    day.makePlans()
    day.finish(after: 10)
    #expect(!day.log.contains("A+A+A+A"))
    day.submit("A")
    day.submit("A", deadline: 35, isBatchable: true)
    for _ in 0..<3 { day.submit("A", deadline: 1000, isBatchable: true) }
    // Four take 40 ms, as far as is known.
    day.end(after: 10)
    #expect(day.running.map(\.requests.count) == [1])
    day.end(after: 10)
    day.submit("A", deadline: 1000, isBatchable: true)
    day.finish(after: 10)
    day.submit("A")
    for _ in 0..<4 { day.submit("A", deadline: 1000, isBatchable: true) }
    day.end(after: 10)
    #expect(day.running.map(\.requests.count) == [4])
  }

  @Test("the random day: every request has one end, sums are right, all at any time")
  func randomDays() {
    for seed in 0..<30 {
      var generator = Numbers(state: UInt64(seed))
      var day = Timeline(lanes: 1 + seed % 3, budget: 12, sizes: ["A": 6, "B": 5, "C": 4, "D": 3]) {
        $0.maxQueuedRequests = 20
        $0.maxBatch = 4
        $0.maxDelay = 300_000_000
        $0.minimumResidency = 20_000_000
        $0.keepAlive = seed % 2 == 0 ? 50_000_000 : nil
        $0.isOneModelAtATime = seed % 5 == 4
      }
      var ids: [RequestID] = []
      for step in 0..<400 {
        switch generator.below(12) {
        case 0...5:
          ids.append(
            day.submit(
              Character(["A", "B", "C", "D"][generator.below(4)]),
              tenant: ["x", "y", "z"][generator.below(3)],
              priority: generator.below(3),
              deadline: generator.below(3) == 0 ? 5 + generator.below(200) : nil,
              rows: 1 + generator.below(2), isBatchable: generator.below(2) == 0,
              bundle: generator.below(20) == 0 ? UInt64(step / 7) : nil, extraBytes: generator.below(2)))
        case 6...8:
          if !day.running.isEmpty { day.end(after: UInt64(generator.below(20)), fails: step % 13 == 0) }
        case 9: if let id = ids.randomElement(using: &generator) { day.cancel(id) }
        case 10: day.makePlans(isReady: generator.below(3) > 0)
        default: day.pass(UInt64(generator.below(15)))
        }
      }
      day.finish(after: 5)
      #expect(day.state.waitingRequests == 0, "seed \(seed)")
      #expect(
        Set(day.outcomes.keys) == Set(ids) && day.outcomes.values.allSatisfy { $0 == 1 }, "seed \(seed)")
    }
  }
}

/// A small generator with a seed (SplitMix64, G. Steele, D. Lea and C. Flood, 2014).
struct Numbers: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(bound, 1))) }
}
