import Executor
import Testing

@Suite("Thread shares")
struct ThreadSharesTests {
  @Test("a lane that computes alone takes all threads; when a second comes, each gets its part")
  func shares() {
    // lane 0  |--- 4 ---|        |-- 2 --|
    // lane 1             begins  |-- 2 --|
    var state = ThreadShareState(total: 4)
    state.begin(0)
    #expect(state.take(0, from: [1, 2, 4]) == 4)
    state.begin(1)
    #expect(state.take(1, from: [1, 2, 4]) == nil)
    state.give(0)
    #expect(state.take(1, from: [1, 2, 4]) == 2)
    #expect(state.take(0, from: [1, 2, 4]) == 2)
    state.give(0)
    state.give(1)
    state.end(1)
    #expect(state.take(0, from: [1, 2, 4]) == 4)
  }

  @Test("kernels that were made for one thread leave the others alone")
  func narrow() {
    var state = ThreadShareState(total: 2)
    state.begin(0)
    #expect(state.take(0, from: [1]) == 1)
    state.begin(1)
    #expect(state.take(1, from: [1]) == 1)
  }

  @Test("a lane alone has one thread until it ends, and none when all are taken")
  func alone() {
    // lane 0           |-- 1 --|
    // lane 1  |------- 1 -------|
    var state = ThreadShareState(total: 2)
    #expect(state.beginAlone(1) == true)
    state.begin(0)
    #expect(state.take(0, from: [1, 2]) == 1)
    #expect(state.beginAlone(2) == false)
    state.give(1)
    state.end(1)
    state.give(0)
    #expect(state.take(0, from: [1, 2]) == 2)
  }

  @Test("a kernel that was made for more threads than there are runs when nothing else does, and alone")
  func moreThanThereAre() {
    // lane 0  |-- 1 --|        |-- 4 --|
    // lane 1          |-- 4 --|        |-- 1 --|
    var state = ThreadShareState(total: 2)
    state.begin(0)
    state.begin(1)
    #expect(state.take(0, from: [1]) == 1)
    #expect(state.take(1, from: [4]) == nil)
    state.give(0)
    #expect(state.take(1, from: [4, 8]) == 4)
    #expect(state.held == [0, 4])
    #expect(state.take(0, from: [1]) == nil, "nothing is free beside it")
    #expect(state.beginAlone(2) == false)
    state.give(1)
    #expect(state.take(0, from: [4]) == 4)
    state.give(0)
    #expect(state.take(1, from: [1]) == 1, "what it held beyond the total is free again")
    #expect(state.take(0, from: [1, 2]) == 1)
  }

  @Test("a part is rounded down, and a kernel that knows no number so small takes its smallest")
  func smallestNumber() {
    var state = ThreadShareState(total: 8)
    for lane in 0..<3 { state.begin(lane) }
    #expect(state.take(0, from: [1, 2, 3, 4]) == 2)
    #expect(state.take(1, from: [4, 8]) == 4)
    #expect(state.take(2, from: [4]) == nil)
    #expect(state.take(2, from: [1, 2, 4]) == 2)
    #expect(state.held == [2, 4, 2])
  }

  @Test("a lane takes as much as is free of its part")
  func restOfAPart() {
    var state = ThreadShareState(total: 4)
    state.begin(0)
    #expect(state.take(0, from: [3]) == 3)
    state.begin(1)
    #expect(state.take(1, from: [1, 2]) == 1)
    state.begin(2)
    #expect(state.take(2, from: [1, 2]) == nil)
  }

  @Test("a lane that begins or ends twice counts once")
  func beginTwice() {
    var state = ThreadShareState(total: 4)
    state.begin(0)
    state.begin(0)
    #expect(state.take(0, from: [1, 2, 4]) == 4)
    state.give(0)
    state.give(0)
    state.begin(1)
    state.end(1)
    state.end(1)
    #expect(state.take(0, from: [1, 2, 4]) == 4)
    state.give(0)
    state.begin(1)
    #expect(state.take(0, from: [1, 2, 4]) == 2)
  }

  @Test("a lane that found no thread for itself alone computes nothing, and takes no part")
  func notAlone() {
    var state = ThreadShareState(total: 2)
    state.begin(0)
    #expect(state.take(0, from: [1, 2]) == 2)
    #expect(state.beginAlone(1) == false)
    state.give(0)
    #expect(state.take(0, from: [1, 2]) == 2)
  }

  @Test("the threads of all lanes together never exceed the total", arguments: 1...6)
  func bounded(total: Int) {
    var state = ThreadShareState(total: total)
    var seed = UInt64(total)
    for _ in 0..<5000 {
      seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let lane = Int(seed >> 33) % total
      let isIdle = state.held.dropFirst(lane).first ?? 0 == 0
      switch (seed >> 60) % 5 {
      case 0: state.begin(lane)
      case 1 where isIdle: state.end(lane)
      case 3 where isIdle: _ = state.beginAlone(lane)
      case 2 where isIdle: _ = state.take(lane, from: total > 1 ? [1, total] : [1])
      default: state.give(lane)
      }
      #expect(state.held.reduce(0, +) <= total)
    }
  }
}

@Suite("The order of a program's members")
struct ProgramStateTests {
  @Test("a member starts when its memory is granted and the one whose arena it takes over has ended")
  func edges() {
    // A |====|          C takes over A's share of the arena; its reservation is granted while A runs.
    // B   |=====|
    // C   granted |==|
    var state = ProgramState(predecessors: [nil, nil, 0])
    #expect(state.submitted() == [.reserve(0), .reserve(1), .reserve(2)])
    #expect(state.granted(0) == [.start(0)])
    #expect(state.granted(2) == [])
    #expect(state.granted(1) == [.start(1)])
    #expect(state.ended(0) == [.start(2)])
    #expect(state.ended(1) == [])
    #expect(state.ended(2) == [.finish])
  }

  @Test("reservations are asked for in an order in which nobody holds memory before the one it waits for")
  func order() {
    var state = ProgramState(predecessors: [2, 0, nil])
    #expect(state.submitted() == [.reserve(2), .reserve(0), .reserve(1)])
  }

  @Test("a member that is refused does not hold up the one behind it")
  func refused() {
    var state = ProgramState(predecessors: [nil, 0])
    #expect(state.granted(1) == [])
    #expect(state.ended(0) == [.start(1)])
    #expect(state.ended(0) == [])
    #expect(state.ended(1) == [.finish])
  }

  @Test("a member that runs again elsewhere does not hold up the one that takes over its arena")
  func vacated() {
    // A |==| needs more arena, runs again  |====|
    // B granted |====|
    var state = ProgramState(predecessors: [nil, 0])
    #expect(state.granted(0) == [.start(0)])
    #expect(state.granted(1) == [])
    #expect(state.vacated(0) == [.start(1)])
    #expect(state.ended(1) == [])
    #expect(state.ended(0) == [.finish])
  }

  @Test("a member ends once, however often that is said, and the program finishes once")
  func endedTwice() {
    var state = ProgramState(predecessors: [nil, nil], sources: [[], [0]])
    _ = state.submitted()
    _ = state.granted(0)
    #expect(state.ended(0) == [])
    #expect(state.ended(0, failed: true) == [], "it has answered: its reader gets its inputs")
    #expect(!state.isFailing(1))
    #expect(state.granted(1) == [.start(1)])
    #expect(state.ended(1) == [.finish])
    #expect(state.ended(1) == [])
    #expect(state.ended(0) == [])
  }

  @Test("a grant that comes after the member's end starts nothing, and the member stays ended")
  func grantedAfterTheEnd() {
    // A refused |x   granted all the same
    // B waits for A's part, and reads nothing of it
    // C reads of A
    var state = ProgramState(predecessors: [nil, 0, nil], sources: [[], [], [0]])
    #expect(state.submitted() == [.reserve(0), .reserve(1)])
    #expect(state.ended(0, failed: true) == [.fail(2, source: 0)])
    #expect(state.isFailing(0))
    #expect(state.granted(0) == [])
    #expect(state.ended(0) == [])
    #expect(state.granted(1) == [.start(1)])
    #expect(state.ended(2, failed: true) == [])
    #expect(state.ended(1) == [.finish])
  }

  @Test("news of a member that it no longer waits for changes nothing")
  func lateNews() {
    var state = ProgramState(predecessors: [nil, nil, 0], sources: [[], [0], []])
    _ = state.submitted()
    #expect(state.vacated(0) == [], "it has not started")
    #expect(state.granted(0) == [.start(0), .reserveEarly(1)])
    #expect(state.granted(1) == [])
    #expect(state.postponed(1) == [], "it was granted meanwhile")
    #expect(state.granted(2) == [])
    #expect(state.vacated(0) == [.start(2)])
    #expect(state.vacated(0) == [])
    #expect(state.ended(0, failed: true) == [.fail(1, source: 0)])
    #expect(state.postponed(1) == [])
    #expect(state.ended(1, failed: true) == [])
    #expect(state.postponed(1) == [], "it has ended")
    #expect(state.ended(2) == [.finish])
  }

  @Test("a program without members is finished at once")
  func empty() {
    var state = ProgramState(predecessors: [])
    #expect(state.submitted() == [.finish])
  }
}
