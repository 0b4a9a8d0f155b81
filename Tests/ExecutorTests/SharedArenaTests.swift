import Executor
import Testing

/// Members of one column of an arena take over each other's bytes, so no two of them may run at the same time.
@Suite("Members that share a part of the arena: decisions") struct SharedArenaTests {
  /// Members that follow one another in one column, all submitted.
  private func column(_ count: Int) -> ProgramState {
    var state = ProgramState(predecessors: (0..<count).map { $0 > 0 ? $0 - 1 : nil })
    #expect(state.submitted() == (0..<count).map { .reserve($0) })
    return state
  }

  @Test("a member that runs elsewhere before it has started leaves its successor waiting for its predecessor")
  func vacatedUnstarted() {
    // A  granted |======|
    // B   refused          runs elsewhere |===|
    // C    granted       |==|
    var state = column(3)
    #expect(state.granted(0) == [.start(0)])
    #expect(state.granted(2) == [])
    #expect(state.vacated(1) == [])
    #expect(state.ended(0) == [.start(2)])
    #expect(state.ended(2) == [])
    #expect(state.ended(1) == [.finish])
  }

  @Test("a member that is refused leaves its successor waiting for its predecessor")
  func refusedUnstarted() {
    // A  granted |======|
    // B   refused
    // C    granted       |==|
    var state = column(3)
    #expect(state.granted(0) == [.start(0)])
    #expect(state.granted(2) == [])
    #expect(state.ended(1, failed: true) == [])
    #expect(state.ended(0) == [.start(2)])
    #expect(state.ended(2) == [.finish])
  }

  @Test(
    "two that leave unstarted, in either order, leave the fourth waiting for the first",
    arguments: [false, true])
  func twoUnstarted(isLaterFirst: Bool) {
    // A  granted |======|
    // B   runs elsewhere
    // C   refused
    // D    granted       |==|
    var state = column(4)
    #expect(state.granted(0) == [.start(0)])
    #expect(state.granted(3) == [])
    if isLaterFirst {
      #expect(state.ended(2, failed: true) == [])
      #expect(state.vacated(1) == [])
    } else {
      #expect(state.vacated(1) == [])
      #expect(state.ended(2, failed: true) == [])
    }
    // It answers elsewhere while the first still runs.
    #expect(state.ended(1) == [])
    #expect(state.ended(0) == [.start(3)])
    #expect(state.ended(3) == [.finish])
  }

  @Test("the first that leaves unstarted leaves the part of the arena to the second")
  func firstUnstarted() {
    // A  refused
    // B   granted |==|
    // C    granted    |==|
    var state = column(3)
    #expect(state.granted(1) == [])
    #expect(state.granted(2) == [])
    #expect(state.ended(0, failed: true) == [.start(1)])
    #expect(state.ended(1) == [.start(2)])
    #expect(state.ended(2) == [.finish])
  }

  @Test("a member that starts and then runs elsewhere frees its part of the arena")
  func vacatedStarted() {
    // A  |===| runs elsewhere |=====|
    // B   granted |==|
    // C    refused
    var state = column(3)
    #expect(state.granted(0) == [.start(0)])
    #expect(state.granted(1) == [])
    #expect(state.vacated(0) == [.start(1)])
    #expect(state.vacated(2) == [])
    #expect(state.ended(1) == [])
    #expect(state.ended(0) == [])
    #expect(state.ended(2) == [.finish])
  }

  @Test("whatever comes in whatever order, one member at a time runs, and all end")
  func allOrders() {
    var orders = 0
    explore(Column(state: column(3)), &orders)
    #expect(orders > 1000)
  }

  /// One column and where its members are, as the executor sees them.
  private struct Column {
    enum Place: Equatable { case asked, granted, running, elsewhere, ended }

    var state: ProgramState
    var places: [Place] = [.asked, .asked, .asked]
    var hasFinished = false

    mutating func carryOut(_ actions: [ProgramState.Action]) {
      for action in actions {
        switch action {
        case .start(let member):
          #expect(places[member] == .granted)
          #expect(!places.contains(.running), "two members run in the same bytes")
          places[member] = .running
        case .finish:
          #expect(places == [.ended, .ended, .ended])
          hasFinished = true
        case .reserve, .reserveEarly, .fail: Issue.record("unexpected: \(action)")
        }
      }
    }
  }

  /// Tries each next event of each member.
  private func explore(_ column: Column, _ orders: inout Int) {
    var isStuck = true
    func next(_ member: Int, _ place: Column.Place, _ event: (inout ProgramState) -> [ProgramState.Action]) {
      isStuck = false
      var column = column
      column.places[member] = place
      column.carryOut(event(&column.state))
      explore(column, &orders)
    }
    for member in column.places.indices {
      switch column.places[member] {
      case .asked:
        next(member, .granted) { $0.granted(member) }
        next(member, .elsewhere) { $0.vacated(member) }
        next(member, .ended) { $0.ended(member, failed: true) }
      case .running:
        next(member, .elsewhere) { $0.vacated(member) }
        next(member, .ended) { $0.ended(member) }
      case .elsewhere: next(member, .ended) { $0.ended(member) }
      case .granted, .ended: break
      }
    }
    if isStuck {
      orders += 1
      #expect(column.hasFinished)
    }
  }
}
