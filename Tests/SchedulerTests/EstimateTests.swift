import Scheduler
import Testing

@Suite("What runs are expected to take")
struct EstimateTests {
  private func key(_ number: Int) -> ServiceEstimates.Key {
    ServiceEstimates.Key(model: ModelID(rawValue: UInt64(number)), shapes: 0)
  }

  @Test("the first warm run replaces what a cold one seemed to take; later cold ones change nothing")
  func firstWarm() {
    var estimates = ServiceEstimates()
    let cold = MemberSample(compute: 1000, swapIn: 500, bytesLoaded: 10)
    estimates.add(cold, for: key(1), now: 1)
    #expect(estimates.mean(key(1)) == 1000)
    estimates.add(MemberSample(compute: 100), for: key(1), now: 2)
    #expect(estimates.mean(key(1)) == 100)
    estimates.add(cold, for: key(1), now: 3)
    #expect(estimates.mean(key(1)) == 100)
    estimates.add(MemberSample(compute: 200), for: key(1), now: 4)
    #expect(estimates.mean(key(1)) == 120)
  }

  @Test("past the most shapes that are remembered, those go that ran longest ago")
  func forgets() {
    var estimates = ServiceEstimates()
    let most = ServiceEstimates.capacity
    for number in 0..<most { estimates.add(MemberSample(compute: 100), for: key(number), now: 1) }
    #expect(estimates.mean(key(1)) == 100)
    estimates.add(MemberSample(compute: 100), for: key(0), now: 1)
    estimates.add(MemberSample(compute: 100), for: key(most), now: 1)
    for kept in [0, most - 1, most] { #expect(estimates.mean(key(kept)) == 100, "\(kept)") }
    for gone in [1, 2, most / 4] { #expect(estimates.mean(key(gone)) == 0, "\(gone)") }
  }

  // lane 0  |100|100|100…      each run takes what it is expected to
  // lane 1  |100|100|100…
  @Test("the time of all lanes counts: runs beside each other that take what is expected have a pace of 1")
  func paceOfLanes() {
    for lanes in 1...4 {
      var pace = LanePace()
      pace.passed(until: 1, lanes: lanes)
      for end in 1...20 {
        pace.passed(until: UInt64(1 + end * 100), lanes: lanes)
        for _ in 0..<lanes { pace.ended(100) }
      }
      #expect(abs(pace.factor(mean: 100) - 1) < 0.1, "\(lanes) lanes")
    }
  }

  @Test("a failed run leaves the pace alone, and so does its time")
  func failedRuns() {
    var pace = LanePace()
    pace.passed(until: 1, lanes: 1)
    for end in 1...20 {
      pace.passed(until: UInt64(1 + end * 200), lanes: 1)
      pace.ended(100)
    }
    let before = pace.factor(mean: 100)
    #expect(before > 1.5)
    pace.passed(until: 1_000_000, lanes: 1)
    pace.ended(nil)
    #expect(pace.factor(mean: 100) == before)
    pace.passed(until: 1_000_200, lanes: 1)
    pace.ended(100)
    #expect(abs(pace.factor(mean: 100) - before) < 0.1)
  }

  // lane  |B==|B==|load A======|A==|      A's 52 ms are left when it takes 40 to load and 10 to compute
  @Test("a resident model's request is let past only if what it passes can still be loaded and be in time")
  func slack() {
    func order(_ deadline: Int) -> [String] {
      var day = Timeline(budget: 1)
      day.place("B")
      for _ in 0..<5 { day.learn("B", 10) }
      day.submit("A")
      day.end("A", after: 50, loading: 40)
      day.place("B")
      day.submit("B")
      day.submit("A", deadline: deadline)
      day.submit("B", deadline: 500)
      day.end("B", after: 10)
      return Array(day.log.prefix(3))
    }
    #expect(order(80) == ["A", "B", "B"])
    #expect(order(62) == ["A", "B", "A"])
  }

  @Test("a batch that was measured to be slower is tried four times and no more")
  func slowBatch() {
    var day = Timeline { $0.maxBatch = 2 }
    day.place("A")
    for _ in 0..<5 { day.learn("A", 10) }
    for _ in 0..<10 {
      for _ in 0..<3 { day.submit("A", isBatchable: true) }
      day.makePlans()
      while let member = day.running.first { day.end(after: member.requests.count == 2 ? 50 : 10) }
    }
    #expect(day.log.count { $0 == "A+A" } == 4)
  }

  @Test("a batch that is faster than its requests alone is made every time, once its plan is there")
  func fastBatch() {
    var day = Timeline { $0.maxBatch = 2 }
    day.place("A")
    for _ in 0..<5 { day.learn("A", 10) }
    for _ in 0..<10 {
      for _ in 0..<3 { day.submit("A", isBatchable: true) }
      day.makePlans()
      while !day.running.isEmpty { day.end(after: 10) }
    }
    #expect(day.log.count { $0 == "A+A" } == 9)
  }

  // lane  |A=======|B=====|C==|      B's 30 ms begin when A ends
  @Test("a stage's clock starts when its source ends")
  func stageClock() {
    for (deadline, outcome) in [(35, "C?deadline_unreachable"), (45, "B")] {
      var day = Timeline()
      day.place("ABC")
      for (model, time) in [("A", 40), ("B", 30), ("C", 10)] as [(Character, UInt64)] {
        for _ in 0..<3 { day.learn(model, time) }
      }
      day.submit(pipeline: "AB")
      day.end("A", after: 40)
      day.submit("C", deadline: deadline)
      #expect(day.log.last == outcome)
    }
  }

  @Test("requests are served in the order of their numbers, whichever thread comes first")
  func numbers() {
    var state = SchedulerState(limits: SchedulerState.Limits())
    var order: [UInt64] = []
    for number in [3, 1, 4, 2] as [UInt64] {
      _ = state.submitted(
        Submission(id: RequestID(rawValue: number), model: ModelID(rawValue: 1), name: "A"), now: 1)
    }
    for time in 0..<4 as Range<UInt64> {
      for action in state.advance(now: 1 + time, standing: { _ in ModelStanding() }) {
        guard case .dispatch(let members, _, _) = action else { continue }
        order += members.flatMap { $0.requests.map(\.rawValue) }
      }
      #expect(state.checkInvariants() == [])
      _ = state.ended(MemberID(rawValue: time + 1), nil, now: 1 + time)
    }
    #expect(order == [1, 2, 3, 4])
  }

  @Test("a pinned model is not forgotten, however many others come and go")
  func pinned() {
    var limits = SchedulerState.Limits()
    limits.keepAlive = 0
    var state = SchedulerState(limits: limits)
    let (pinned, idle) = (ModelID(rawValue: 1), ModelID(rawValue: 2))
    state.pinned(pinned, named: "P")
    let couldForget = state.forget(pinned)
    #expect(!couldForget)
    for number in 0..<3000 as Range<UInt64> {
      _ = state.evicted(ModelID(rawValue: 10 + number), named: "M", now: 1)
    }
    #expect(state.unpinned(pinned, now: 2) == [.expire(pinned)])
    #expect(state.unpinned(idle, now: 2) == [])
    let couldForgetIdle = state.forget(pinned)
    #expect(couldForgetIdle)
  }
}
