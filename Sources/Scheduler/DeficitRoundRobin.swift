/// Deficit round robin between tenants: each round a tenant may spend what the dearest waiting request costs, and keeps
/// what it did not spend, so that over time each gets the same, whatever its requests cost.
///
/// M. Shreedhar and G. Varghese, *Efficient Fair Queueing Using Deficit Round Robin*, SIGCOMM 1995. A quantum of the
/// dearest cost lets every tenant be served within one round.
package struct DeficitRoundRobin: Sendable {
  /// Tenants with anything that waits, in the order of the round.
  package private(set) var ring: [Int] = []
  private var deficits: [Int: Int] = [:]
  private var position = 0

  package init() {}

  /// The tenant has something that waits from now on.
  package mutating func join(_ tenant: Int) {
    ring.append(tenant)
    deficits[tenant] = 0
  }

  /// The tenant has nothing that waits any more.
  package mutating func leave(_ tenant: Int) {
    guard let index = ring.firstIndex(of: tenant) else { return }
    ring.remove(at: index)
    deficits[tenant] = nil
    // The next pick goes on behind this position: with the tenant that follows, which has its share of the round to come.
    if index <= position { position = position > 0 ? position - 1 : max(ring.count - 1, 0) }
  }

  /// Returns the tenant whose turn it is.
  /// - Parameter costs: the cost of each tenant's next request that can be served.
  /// - Returns: `nil` if there is none.
  package mutating func pick(_ costs: [Int: Int]) -> Int? {
    let costs = costs.filter { deficits[$0.key] != nil }.mapValues { max($0, 1) }
    guard let quantum = costs.values.max() else { return nil }
    // Rounds in which nobody could be served are gone through at once.
    let rounds = costs.map { tenant, cost in (cost - (deficits[tenant] ?? 0) - 1) / quantum }.min() ?? 0
    if rounds > 1 { for tenant in costs.keys { deficits[tenant, default: 0] += (rounds - 1) * quantum } }
    while true {
      let tenant = ring[position]
      if let cost = costs[tenant], let deficit = deficits[tenant], deficit >= cost { return tenant }
      position = position + 1 < ring.count ? position + 1 : 0
      if costs[ring[position]] != nil { deficits[ring[position], default: 0] += quantum }
    }
  }

  /// A request of the tenant is served.
  package mutating func charge(_ tenant: Int, _ cost: Int) {
    // A tenant served before its turn pays later.
    deficits[tenant]? -= max(cost, 1)
  }
}
