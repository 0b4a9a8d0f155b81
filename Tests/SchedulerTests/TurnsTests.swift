import Scheduler
import Testing

@Suite("Turns of tenants")
struct TurnsTests {
  /// Serves so many requests: the tenants in their order.
  private func serve(_ turns: inout DeficitRoundRobin, _ costs: [Int: Int], _ count: Int) -> [Int] {
    (0..<count).compactMap { _ in
      guard let tenant = turns.pick(costs) else { return nil }
      turns.charge(tenant, costs[tenant] ?? 0)
      return tenant
    }
  }

  private func turns(_ tenants: Int...) -> DeficitRoundRobin {
    var turns = DeficitRoundRobin()
    for tenant in tenants { turns.join(tenant) }
    return turns
  }

  @Test("what a tenant does not spend in a round it spends later: all get the same in the long run")
  func carriesOver() {
    var turns = turns(1, 2, 3)
    let costs = [1: 10, 2: 6, 3: 7]
    let served = serve(&turns, costs, 600)
    let spent = costs.mapValues { _ in 0 }.merging(
      Dictionary(grouping: served) { $0 }.map { ($0.key, $0.value.count * (costs[$0.key] ?? 0)) }
    ) { $1 }
    #expect((spent.values.max() ?? 0) - (spent.values.min() ?? 0) <= 20, "\(spent)")
  }

  @Test("after the tenant in turn has left, the one behind it is next, wherever in the round that was")
  func leaves() {
    for gone in 0..<4 {
      var turns = turns(0, 1, 2, 3)
      let costs = [0: 1, 1: 1, 2: 1, 3: 1]
      while serve(&turns, costs, 1) != [gone] {}
      turns.leave(gone)
      let left = costs.filter { $0.key != gone }
      #expect(serve(&turns, left, 3) == (1...3).map { (gone + $0) % 4 }, "\(gone)")
    }
  }

  @Test("a tenant that leaves out of turn changes nothing about who is next")
  func leavesOutOfTurn() {
    for gone in 0..<4 {
      for behind in 1..<4 {
        var turns = turns(0, 1, 2, 3)
        let costs = [0: 1, 1: 1, 2: 1, 3: 1]
        let last = (gone + 4 - behind) % 4
        while serve(&turns, costs, 1) != [last] {}
        turns.leave(gone)
        let order = (1...4).map { (last + $0) % 4 }.filter { $0 != gone }
        #expect(serve(&turns, costs.filter { $0.key != gone }, 3) == order, "\(gone) \(behind)")
      }
    }
  }

  @Test("a tenant without anything that can be served now is passed over and has its turn when it has")
  func passedOver() {
    var turns = turns(0, 1)
    #expect(serve(&turns, [1: 5], 3) == [1, 1, 1])
    #expect(serve(&turns, [:], 1) == [])
    #expect(Set(serve(&turns, [0: 5, 1: 5], 2)) == [0, 1])
    turns.leave(0)
    turns.leave(1)
    #expect(turns.pick([0: 1]) == nil)
  }
}
