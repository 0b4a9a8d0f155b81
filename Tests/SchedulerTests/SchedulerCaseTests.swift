import Residency
import Testing

import Scheduler

/// Single decisions of the scheduler, each told apart from the one that would be taken without its reason.
@Suite("Decisions of the scheduler, one by one")
struct SchedulerCaseTests {
  // A's weights are there, B's 10 bytes are not, and both do not fit. B is wanted by its deadline.
  //
  // lane  |A====|A====|B====|       as long as B is in time behind A
  // lane  |A====|B====|A====|       otherwise
  @Test(
    "the resident model goes before an earlier deadline only while that is met all the same",
    arguments: [(25, "ABA"), (29, "ABA"), (31, "AAB"), (60, "AAB")])
  func slack(deadline: Int, order: String) {
    var day = Timeline(budget: 10, sizes: ["A": 10, "B": 10])
    day.learn("B", 10)
    day.learn("A", 10)
    day.submit("A")
    day.submit("B", deadline: deadline)
    day.submit("A", deadline: 500)
    day.finish(after: 10)
    #expect(day.log.joined() == order)
  }

  // As above; B's weights take 10 ms to come in, which its slack is shorter by.
  @Test(
    "the time that weights take to come in counts with what a request needs before its deadline",
    arguments: [(35, "ABA"), (39, "ABA"), (41, "AAB")])
  func slackBesideSwapIn(deadline: Int, order: String) {
    var day = Timeline(budget: 10, sizes: ["A": 10, "B": 10])
    day.submit("B")
    day.end("B", after: 20, loading: 10)
    day.learn("A", 10)
    day.submit("A")
    day.submit("B", deadline: deadline)
    day.submit("A", deadline: 500)
    day.finish(after: 10)
    #expect(day.log.joined() == order)
  }

  // MARK: Models

  @Test("an idle model that is pinned does not leave, nor when it is thrown out; unpinned, it leaves")
  func pinnedWhileIdle() {
    var day = Timeline { $0.keepAlive = 100_000_000 }
    day.submit("A")
    day.end("A")
    day.change { state, _ in
      state.pinned(Timeline.id("A"), named: "A")
      return []
    }
    day.pass(500)
    day.change { state, now in state.evicted(Timeline.id("A"), named: "A", now: now) }
    #expect(day.log == ["A"])
    #expect(day.state.nextWake == nil)
    day.change { state, now in state.unpinned(Timeline.id("A"), now: now) }
    #expect(day.log == ["A", "-A"])
  }

  @Test("a pin takes back that the model was to leave")
  func pinnedAfterEviction() {
    var day = Timeline { $0.keepAlive = 100_000_000 }
    day.submit("A")
    day.change { state, now in state.evicted(Timeline.id("A"), named: "A", now: now) }
    day.change { state, _ in
      state.pinned(Timeline.id("A"), named: "A")
      return []
    }
    day.end("A")
    day.change { state, now in state.unpinned(Timeline.id("A"), now: now) }
    #expect(day.log == ["A"])
    day.pass(100)
    #expect(day.log == ["A", "-A"])
  }

  @Test("of thousands of models that nobody uses, those are remembered that are pinned or have a setting")
  func remembered() {
    var limits = SchedulerState.Limits()
    limits.keepAlive = 0
    var state = SchedulerState(limits: limits)
    let (pinned, set) = (ModelID(rawValue: 1_000_000), ModelID(rawValue: 1_000_001))
    state.pinned(pinned, named: "pinned")
    state.setKeepAlive(7, of: set, named: "set")
    for number in 0..<5000 { _ = state.evicted(ModelID(rawValue: UInt64(number)), named: "m", now: 0) }
    let unpinned = state.unpinned(pinned, now: 1)
    #expect(unpinned == [.expire(pinned)])
    _ = state.submitted(Submission(id: RequestID(rawValue: 1), model: set, name: "set"), now: 10)
    for case .dispatch(let members, _, _) in state.advance(now: 10, standing: { _ in ModelStanding() }) {
      for member in members { _ = state.ended(member.member, MemberSample(compute: 1), now: 20) }
    }
    #expect(state.nextWake == 27)
    #expect(state.checkInvariants() == [])
  }

  @Test("a model that is used, or pinned, is not forgotten on request")
  func forgetting() {
    var day = Timeline()
    var results: [Bool] = []
    func forget() {
      day.change { state, _ in
        results.append(state.forget(Timeline.id("A")))
        return []
      }
    }
    forget()
    day.submit("A")
    forget()
    day.end("A")
    day.change { state, _ in
      state.pinned(Timeline.id("A"), named: "A")
      return []
    }
    forget()
    day.change { state, now in state.unpinned(Timeline.id("A"), now: now) }
    forget()
    #expect(results == [true, false, false, true])
  }

  // MARK: Pins

  @Test("what is said of a pin that was taken back does not touch the one that came after it")
  func stalePin() throws {
    let id = ModelID(rawValue: 1)
    let weights = [ResidencyItem(id: .extent("a"), byteCount: 4096, reloadCost: 1)]
    var ledger = PinLedger()
    func add() throws -> PinLedger.Step {
      try ledger.add(id, named: "m", weights, beside: [:], budget: 1 << 20)
    }
    let first = try add()
    let takenBack = ledger.remove(id)
    let second = try add()
    let stale = (ledger.complete(id, 1), ledger.remove(id, 1))
    let waits = try add()
    let complete = ledger.complete(id, 2)
    let staleAgain = ledger.remove(id, 1)
    let done = try add()
    let removed = ledger.remove(id, 2)
    #expect(
      [first, second, waits, done] == [
        .load(1, unpinning: []), .load(2, unpinning: []), .wait(2), .done,
      ])
    #expect(takenBack.isEmpty, "nothing of it was pinned yet")
    #expect(!stale.0 && stale.1.isEmpty)
    #expect(complete && staleAgain.isEmpty && removed == weights)
    let late = ledger.complete(id, 2)
    #expect(!late)
  }
}
