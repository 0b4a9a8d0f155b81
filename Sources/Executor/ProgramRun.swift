import Device
import Linker
import Residency
import Tensors

/// One submitted program while it runs.
final class ProgramRun: Sendable {
  struct State: Sendable {
    var machine: ProgramState
    var leases: [Lease?]
    var answers: [Result<MemberAnswer, any Error>?]
    var timings: [MemberTiming]
    /// True if the submitting thread is available to run a member.
    var callerWaits: Bool
    /// The member that it is to run.
    var forCaller: Int?
  }

  let program: FusedProgram
  /// The names of the program's arenas in this run.
  let arenas: [UInt64]
  let inputs: [[Tensor]]
  let way: LoadRequest.Way
  let trace: Trace?
  let feed: Executor.Feed
  let onAnswer: @Sendable (Int, Result<MemberAnswer, any Error>) -> Void
  let onEnd: @Sendable (Int) -> Void
  let finish: @Sendable ([Result<MemberAnswer, any Error>]) -> Void
  let state: Locked<State>
  /// True if the program runs one member again, alone and with the memory that it needs. If that does not fit,
  /// nothing smaller does.
  let isRestart: Bool

  init(
    program: FusedProgram, arenas: [UInt64], inputs: [[Tensor]], way: LoadRequest.Way, trace: Trace?,
    feed: @escaping Executor.Feed = { _ in [] },
    onAnswer: @escaping @Sendable (Int, Result<MemberAnswer, any Error>) -> Void,
    onEnd: @escaping @Sendable (Int) -> Void = { _ in },
    finish: @escaping @Sendable ([Result<MemberAnswer, any Error>]) -> Void,
    timing: MemberTiming = MemberTiming(submitted: monotonicNanoseconds()), callerWaits: Bool = false,
    isRestart: Bool = false
  ) {
    self.program = program
    self.isRestart = isRestart
    self.arenas = arenas
    self.inputs = inputs
    self.way = way
    self.trace = trace
    self.feed = feed
    self.onAnswer = onAnswer
    self.onEnd = onEnd
    self.finish = finish
    let count = program.members.count
    state = Locked(
      State(
        machine: ProgramState(
          predecessors: program.members.map(\.predecessor), sources: program.members.map(\.sources)),
        leases: Array(repeating: nil, count: count), answers: Array(repeating: nil, count: count),
        timings: Array(repeating: timing, count: count), callerWaits: callerWaits))
  }

  /// Leaves a member that could start to the thread that submits the program.
  /// - Returns: false when that thread does not wait for one.
  func leaveToCaller(_ member: Int) -> Bool {
    state.withLock { state in
      guard state.callerWaits, state.forCaller == nil else { return false }
      state.forCaller = member
      return true
    }
  }

  /// The submitting thread waits no longer.
  /// - Returns: the member that was left to it.
  func callerLeaves() -> Int? {
    state.withLock { state in
      state.callerWaits = false
      return state.forCaller.take()
    }
  }

  /// A member's inputs; those of `feed` where the caller gave none.
  func inputs(of member: Int) throws -> [Tensor] {
    guard program.members[member].sources.isEmpty, inputs.indices.contains(member) else {
      return try feed(member)
    }
    return inputs[member]
  }

  /// True when the member asks for more than it takes alone, without what its plan has learned.
  func mayTakeLess(_ member: Int) -> Bool {
    !isRestart
      && (program.members.count > 1
        || program.members[member].memory != program.members[member].plan.ownMemory)
  }

  /// Notes the lease.
  /// - Returns: what is to be done; `nil` when the member has failed before, and the lease is not noted.
  func granted(_ member: Int, _ lease: Lease) -> [ProgramState.Action]? {
    let now = monotonicNanoseconds()
    return state.withLock {
      guard !$0.machine.isFailing(member) else { return nil }
      $0.leases[member] = lease
      $0.timings[member].granted = now
      return $0.machine.granted(member)
    }
  }

  /// Records the bytes loaded for the member, which has run, and the time at which the last arrived.
  func noteLoads(of member: Int, by lease: Lease) {
    let plan = program.members[member].plan
    var (bytes, last) = (0, UInt64(0))
    for index in plan.reservedExtents {
      let id = ItemID.extent(plan.model.extentNames[index])
      if lease.hasBroughtIn(id) { bytes += plan.model.file.extents[index].byteCount }
      last = max(last, lease.ticket(for: id).arrival ?? 0)
    }
    state.withLock { [bytes, last] in
      $0.timings[member].bytesLoaded += bytes
      $0.timings[member].loaded = max($0.timings[member].granted, last)
    }
  }

  /// Gives back what the member holds, if anything.
  func release(_ member: Int) { state.withLock { $0.leases[member].take() }?.release() }

  /// The member's timing, now that it has answered.
  func answered(_ member: Int, at now: UInt64) -> MemberTiming {
    state.withLock {
      $0.timings[member].answered = now
      return $0.timings[member]
    }
  }
}
