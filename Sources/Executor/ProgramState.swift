/// What has to happen next for the members of one program: the pure part of the executor.
///
/// Each member is reserved for as soon as the program is submitted, in an order in which a member follows the one
/// whose part of the arena it takes over; it starts when its reservation is granted and that one has ended.
package struct ProgramState: Sendable {
  package enum Action: Sendable, Equatable {
    case reserve(Int)
    case start(Int)
    case finish
  }

  private enum Phase: Sendable { case waiting, granted, started, vacated, ended }

  private let predecessors: [Int?]
  private var phases: [Phase]

  package init(predecessors: [Int?]) {
    self.predecessors = predecessors
    phases = Array(repeating: .waiting, count: predecessors.count)
  }

  /// The program was submitted.
  package func submitted() -> [Action] {
    if predecessors.isEmpty { return [.finish] }
    var order: [Int] = []
    var placed = Set<Int>()
    var remaining = Array(predecessors.indices)
    while !remaining.isEmpty {
      let next = remaining.filter { member in predecessors[member].map(placed.contains) ?? true }
      if next.isEmpty { break }
      order += next
      placed.formUnion(next)
      remaining.removeAll(where: placed.contains)
    }
    return order.map(Action.reserve)
  }

  /// The member's reservation was granted.
  package mutating func granted(_ member: Int) -> [Action] {
    phases[member] = .granted
    return start(member)
  }

  /// The member has given its part of the arena back, but has not answered: it runs again elsewhere. Whoever waits for
  /// that part starts, so that the member never waits for memory that is held by one that waits for it.
  package mutating func vacated(_ member: Int) -> [Action] {
    guard phases[member] == .started else { return [] }
    phases[member] = .vacated
    return successors(of: member)
  }

  /// The member has answered, failed, or was refused.
  package mutating func ended(_ member: Int) -> [Action] {
    guard phases[member] != .ended else { return [] }
    let wasVacated = phases[member] == .vacated
    phases[member] = .ended
    let freed = wasVacated ? [] : successors(of: member)
    return phases.allSatisfy { $0 == .ended } ? freed + [.finish] : freed
  }

  private mutating func successors(of member: Int) -> [Action] {
    predecessors.indices.filter { predecessors[$0] == member }.flatMap { start($0) }
  }

  private mutating func start(_ member: Int) -> [Action] {
    guard phases[member] == .granted,
      predecessors[member].map({ phases[$0] == .ended || phases[$0] == .vacated }) ?? true
    else {
      return []
    }
    phases[member] = .started
    return [.start(member)]
  }
}
