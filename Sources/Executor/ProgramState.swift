/// Decides the next actions for the members of one program: the pure part of the executor.
///
/// Each member without sources gets a reservation request as soon as the program is submitted. The order of
/// requests puts a member after the one whose part of the arena it takes over. It starts when its reservation
/// is granted and that member has ended. If that member leaves without having run in the arena, the one before it
/// must have ended too: two members that share a part of the arena never run at the same time.
///
/// A member that takes outputs of others, its sources, starts when its reservation is granted and they have
/// answered. Its reservation is requested early, so that its weights load while its sources run, but it never
/// blocks them: the request is made only once each source holds all that it needs or has answered, and it is
/// granted only if there is room at once. If there is no room, the member holds nothing and asks again when
/// the last of its sources has answered. So a member that holds memory waits only for members that hold
/// theirs.
package struct ProgramState: Sendable {
  package enum Action: Sendable, Equatable {
    case reserve(Int)
    /// Reserve if there is room at once.
    case reserveEarly(Int)
    case start(Int)
    /// The member gets no inputs, since this source of it failed: it has to end as one that failed.
    case fail(Int, source: Int)
    case finish
  }

  private enum Phase: Sendable { case waiting, asked, granted, started, vacated, failing, ended }

  private let predecessors: [Int?]
  private let sources: [[Int]]
  private var phases: [Phase]
  /// The members that ran in the arena, or run in it.
  private var haveStarted: [Bool]

  /// - Parameter sources: for each member, the members whose outputs it takes; a member comes after its sources.
  package init(predecessors: [Int?], sources: [[Int]] = []) {
    self.predecessors = predecessors
    self.sources = sources.isEmpty ? Array(repeating: [], count: predecessors.count) : sources
    phases = Array(repeating: .waiting, count: predecessors.count)
    haveStarted = Array(repeating: false, count: predecessors.count)
  }

  /// The program was submitted.
  package mutating func submitted() -> [Action] {
    if predecessors.isEmpty { return [.finish] }
    var order: [Int] = []
    var placed = Set<Int>()
    var remaining = predecessors.indices.filter { sources[$0].isEmpty }
    while !remaining.isEmpty {
      let next = remaining.filter { member in predecessors[member].map(placed.contains) ?? true }
      if next.isEmpty { break }
      order += next
      placed.formUnion(next)
      remaining.removeAll(where: placed.contains)
    }
    for member in order { phases[member] = .asked }
    return order.map(Action.reserve)
  }

  /// The member's reservation was granted.
  package mutating func granted(_ member: Int) -> [Action] {
    guard !isFailing(member) else { return [] }
    phases[member] = .granted
    return start(member) + readers(of: member).flatMap { ask($0) }
  }

  /// There was no room for the member yet, whose sources have not all answered.
  package mutating func postponed(_ member: Int) -> [Action] {
    guard phases[member] == .asked else { return [] }
    phases[member] = .waiting
    // They may have answered meanwhile; without, the next try is when they have.
    return hasInputs(member) ? ask(member) : []
  }

  /// The member has released its part of the arena, or got none, without answering: it runs again elsewhere. A member that
  /// waits for that part starts, so the first member never waits for memory held by one that waits for it.
  package mutating func vacated(_ member: Int) -> [Action] {
    guard phases[member] == .started || phases[member] == .asked else { return [] }
    phases[member] = .vacated
    return startWaiting()
  }

  /// The member has answered, failed, or was refused.
  package mutating func ended(_ member: Int, failed: Bool = false) -> [Action] {
    guard phases[member] != .ended else { return [] }
    phases[member] = .ended
    var actions = startWaiting()
    for reader in readers(of: member) {
      actions += failed ? fail(reader, source: member) : ask(reader) + start(reader)
    }
    return phases.allSatisfy { $0 == .ended } ? actions + [.finish] : actions
  }

  /// True when a source of the member has failed: what is granted to it is to be given back.
  package func isFailing(_ member: Int) -> Bool { phases[member] == .failing || phases[member] == .ended }

  private func readers(of member: Int) -> [Int] { sources.indices.filter { sources[$0].contains(member) } }

  private func hasInputs(_ member: Int) -> Bool {
    // None of them has failed: its readers fail with it, and neither ask nor start again.
    sources[member].allSatisfy { phases[$0] == .ended }
  }

  /// Asks for the member's memory when that can be in nobody's way.
  private mutating func ask(_ member: Int) -> [Action] {
    guard phases[member] == .waiting else { return [] }
    if hasInputs(member) {
      phases[member] = .asked
      return [.reserve(member)]
    }
    let isEarly = sources[member].allSatisfy { source in
      switch phases[source] {
      case .granted, .started, .ended: true
      case .waiting, .asked, .vacated, .failing: false
      }
    }
    guard isEarly else { return [] }
    phases[member] = .asked
    return [.reserveEarly(member)]
  }

  private mutating func fail(_ member: Int, source: Int) -> [Action] {
    guard !isFailing(member) else { return [] }
    phases[member] = .failing
    return [.fail(member, source: source)]
  }

  /// Starts the members that waited for a part of the arena that is free now.
  private mutating func startWaiting() -> [Action] {
    predecessors.indices.filter { predecessors[$0] != nil }.flatMap { start($0) }
  }

  private mutating func start(_ member: Int) -> [Action] {
    guard phases[member] == .granted, hasInputs(member), hasArena(member) else { return [] }
    phases[member] = .started
    haveStarted[member] = true
    return [.start(member)]
  }

  /// True when nobody before the member uses its part of the arena, or will.
  private func hasArena(_ member: Int) -> Bool {
    var earlier = predecessors[member]
    while let other = earlier {
      guard phases[other] == .ended || phases[other] == .vacated else { return false }
      // All before it had left when it started. One that never ran says nothing about those before it.
      if haveStarted[other] { return true }
      earlier = predecessors[other]
    }
    return true
  }
}
