import Serving
import Testing

@Suite("Integrity of stored models", .timeLimit(.minutes(5))) struct IntegrityStateTests {
  private let a = ModelVersion("a", 1)
  private let b = ModelVersion("b", 1)

  @Test("a pass reads one after the other, and ends")
  func pass() {
    var state = IntegrityState()
    #expect(state.pass([a, b]) == [.check(a)])
    #expect(state.pass([a]) == [], "one pass at a time")
    #expect(state.checked(a, .whole(identity: "1"), at: .zero) == [.check(b)])
    #expect(state.checked(b, .unknown, at: .zero) == [.passed])
    #expect(state.pass([]) == [.passed])
  }

  @Test("what failed in a run goes before the rest of the pass")
  func doubt() {
    var state = IntegrityState()
    let c = ModelVersion("c", 1)
    #expect(state.pass([a, b]) == [.check(a)])
    #expect(state.doubt(a, identity: "1", at: .zero) == [])
    #expect(state.doubt(c, identity: "1", at: .zero) == [])
    #expect(state.doubt(c, identity: "1", at: .zero) == [], "it is in the queue")
    #expect(state.checked(a, .whole(identity: "1"), at: .zero) == [.check(c)])
    #expect(state.checked(c, .whole(identity: "1"), at: .zero) == [.check(b)])
  }

  @Test("what was whole is not doubted again so soon")
  func trust() {
    var state = IntegrityState()
    #expect(state.doubt(a, identity: "1", at: .zero) == [.check(a)])
    #expect(state.checked(a, .whole(identity: "1"), at: .seconds(1)) == [])
    #expect(state.doubt(a, identity: "1", at: .seconds(2)) == [])
    #expect(state.doubt(a, identity: "1", at: .seconds(1) + IntegrityState.trust) == [.check(a)])
  }

  @Test("what was written to since it was whole is doubted at once")
  func changed() {
    var state = IntegrityState()
    #expect(state.doubt(a, identity: "1", at: .zero) == [.check(a)])
    #expect(state.checked(a, .whole(identity: "1"), at: .seconds(1)) == [])
    #expect(state.doubt(a, identity: "2", at: .seconds(2)) == [.check(a)])
    #expect(state.checked(a, .replaced(identity: "2"), at: .seconds(3)) == [.reopen(a, identity: "2")])
    #expect(state.doubt(a, identity: "2", at: .seconds(4)) == [])
    #expect(state.doubt(a, identity: nil, at: .seconds(4)) == [], "it is not open")
  }

  @Test("a damaged one is compiled again, before anything else is read")
  func mended() {
    var state = IntegrityState()
    _ = state.pass([a, b])
    let damage = IntegrityState.Damage.mending(reason: "flipped")
    #expect(state.checked(a, .damaged(reason: "flipped"), at: .zero) == [.show(a, damage), .mend(a)])
    #expect(state.doubt(a, identity: "1", at: .zero) == [], "it is known")
    #expect(state.checked(b, .whole(identity: "1"), at: .zero) == [], "nobody asked")
    #expect(state.mended(a, failure: nil) == [.show(a, nil), .check(b)])
  }

  @Test("one that cannot be compiled again stays out of service until somebody mends it")
  func lost() {
    var state = IntegrityState()
    _ = state.pass([a])
    _ = state.checked(a, .damaged(reason: "flipped"), at: .zero)
    let lost = IntegrityState.Damage.lost(reason: "flipped", failure: "no source")
    #expect(state.mended(a, failure: "no source") == [.show(a, lost), .passed])
    #expect(state.doubt(a, identity: "1", at: .seconds(60)) == [], "nobody runs it")
    #expect(state.pass([a]) == [.check(a)])
    #expect(
      state.checked(a, .replaced(identity: "2"), at: .seconds(60)) == [
        .reopen(a, identity: "2"), .show(a, nil), .passed,
      ])
  }

  @Test("of a model that is gone nothing is said any more")
  func gone() {
    var state = IntegrityState()
    _ = state.pass([a])
    _ = state.checked(a, .damaged(reason: "flipped"), at: .zero)
    _ = state.mended(a, failure: "no source")
    #expect(state.pass([b]) == [.show(a, nil), .check(b)])
  }
}
