import Scheduler
import Testing

@Suite("Turns of tenants")
struct DeficitRoundRobinTests {
  /// The tenants that are served, in order.
  private func served(_ turns: inout DeficitRoundRobin, _ costs: [Int: Int], _ count: Int) -> [Int?] {
    (0..<count).map { _ in
      let tenant = turns.pick(costs)
      if let tenant { turns.charge(tenant, costs[tenant] ?? 0) }
      return tenant
    }
  }

  private func ring(of tenants: Int) -> DeficitRoundRobin {
    var turns = DeficitRoundRobin()
    for tenant in 0..<tenants { turns.join(tenant) }
    return turns
  }

  @Test("one that comes back begins anew; the last one that leaves empties the round")
  func comesBack() {
    var turns = ring(of: 2)
    turns.charge(0, 1000)
    turns.leave(0)
    turns.leave(7)
    turns.join(0)
    let order = served(&turns, [0: 1, 1: 1], 4)
    turns.leave(0)
    turns.leave(1)
    let none = turns.pick([:])
    #expect(order == [0, 1, 0, 1])
    #expect(turns.ring.isEmpty && none == nil)
    turns.join(3)
    let only = served(&turns, [3: 5], 2)
    #expect(only == [3, 3])
  }

  @Test("one that was served before its turn pays for it in the next ones")
  func debts() {
    var turns = ring(of: 2)
    turns.charge(0, 100)
    let order = served(&turns, [0: 10, 1: 10], 12)
    #expect(order == Array(repeating: 1, count: 11) + [0])
  }

  @Test("one alone is served however deep its debt is, and one without cost pays a little")
  func alone() {
    var turns = ring(of: 2)
    turns.charge(0, Int.max / 4)
    let order = served(&turns, [0: 10], 2)
    #expect(order == [0, 0])
    var free = ring(of: 2)
    let turnsOfFree = served(&free, [0: 0, 1: -5], 4)
    #expect(turnsOfFree == [1, 0, 1, 0])
  }

  @Test("nobody is served who has nothing, or is not in the round")
  func nobody() {
    var turns = ring(of: 2)
    let none = turns.pick([:])
    let stranger = turns.pick([9: 1])
    #expect(none == nil && stranger == nil)
    let order = served(&turns, [1: 5], 3)
    #expect(order == [1, 1, 1])
  }
}
