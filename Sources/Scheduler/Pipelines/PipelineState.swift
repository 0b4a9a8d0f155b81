/// Selects the stages of a pipeline to plan, link and run next: the pure part of its run.
///
/// Stages whose input shapes follow from shapes alone are planned one after the other and linked into one
/// program. If the shape of an output depends on data, the stages that take it are planned once it is
/// available, and linked with the stages that follow from them.
package struct PipelineState: Sendable {
  package enum Action: Sendable, Equatable {
    /// Make the stage's plan.
    case plan(Int)
    /// Link these stages, in an order in which each comes after its sources, and run them as one program.
    case run([Int])
    /// All that was to be run has ended.
    case finish
  }

  private enum Phase: Sendable, Equatable {
    case waiting, planning, running, answered, dropped
    /// `isOpen`: shapes of its outputs depend on data.
    case planned(isOpen: Bool)
  }

  private let sources: [[Int]]
  private var phases: [Phase]
  /// Planned, to be linked together.
  private var batch: [Int] = []
  private var hasBegun = false
  private var isStopped = false
  private var isFinished = false

  /// - Parameters:
  ///   - sources: for each stage those before it whose outputs it takes.
  ///   - needed: the stages to run, with all that they take outputs of.
  package init(sources: [[Int]], needed: Set<Int>) {
    self.sources = sources
    phases = sources.indices.map { needed.contains($0) ? .waiting : .dropped }
  }

  package mutating func begin() -> [Action] {
    hasBegun = true
    return next()
  }

  /// The stage's plan is there.
  /// - Parameter isOpen: its outputs' shapes depend on data.
  package mutating func planned(_ stage: Int, isOpen: Bool) -> [Action] {
    guard phases[stage] == .planning else { return [] }
    phases[stage] = .planned(isOpen: isOpen)
    batch.append(stage)
    return next()
  }

  /// The stage has answered.
  package mutating func answered(_ stage: Int) -> [Action] { ended(stage, .answered) }

  /// The stage could not be planned, or has failed: nothing begins any more.
  package mutating func failed(_ stage: Int) -> [Action] {
    isStopped = true
    return ended(stage, .dropped)
  }

  /// Nobody waits for the answer any more: nothing begins any more, not even the whole.
  package mutating func stop() -> [Action] {
    isStopped = true
    return next()
  }

  private mutating func ended(_ stage: Int, _ phase: Phase) -> [Action] {
    guard phases[stage] == .planning || phases[stage] == .running else { return [] }
    phases[stage] = phase
    return next()
  }

  private mutating func next() -> [Action] {
    if !hasBegun || isFinished || phases.contains(.planning) { return [] }
    if isStopped {
      for stage in phases.indices where phases[stage] != .running && phases[stage] != .answered {
        phases[stage] = .dropped
      }
      batch = []
    }
    if let stage = phases.indices.first(where: { phases[$0] == .waiting && isPlannable($0) }) {
      phases[stage] = .planning
      return [.plan(stage)]
    }
    if !batch.isEmpty {
      for stage in batch { phases[stage] = .running }
      defer { batch = [] }
      return [.run(batch)]
    }
    isFinished = !phases.contains { $0 == .running }
    return isFinished ? [.finish] : []
  }

  private func isPlannable(_ stage: Int) -> Bool {
    sources[stage].allSatisfy { phases[$0] == .answered || phases[$0] == .planned(isOpen: false) }
  }
}
