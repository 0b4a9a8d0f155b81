import Device
import Linker
import ModelStore
import Residency
import Tensors

/// Runs fused programs on lanes: reserves for their members, starts each when its memory is granted, lets kernels wait
/// for their own loads alone, and hands every answer out as soon as it is there.
public final class Executor: Sendable {
  private let device: any Device
  private let residency: Residency
  private let planner: Planner
  private let queue: LaneQueue
  private let shares: ThreadShares
  private let arenas = Locked(ArenaNames())
  /// The number of members that can run at the same time.
  public let lanes: Int

  /// - Parameter threads: lanes, and the most threads that all lanes together use.
  public init(device: any Device, residency: Residency, planner: Planner, threads: Int) {
    self.device = device
    self.residency = residency
    self.planner = planner
    lanes = max(1, threads)
    shares = ThreadShares(total: max(1, threads))
    queue = LaneQueue(lanes: lanes)
    for lane in 0..<lanes { startLane(lane, queue: queue) }
  }

  deinit { queue.close() }

  /// Gives a member's inputs when its sources have answered.
  public typealias Feed = @Sendable (_ member: Int) throws -> [Tensor]

  /// Runs every member of `program` once.
  /// - Parameters:
  ///   - inputs: for each member, its tensors in the order of the model's inputs.
  ///   - way: how extents that are not resident come in.
  ///   - feed: called on a lane for each member with sources, after `onAnswer` has returned for all of these: its inputs.
  ///     Who has no sources gets those of `inputs`.
  ///   - onAnswer: called on a lane as soon as a member has answered or failed, before others have and before its
  ///     memory is given back. The lane and the memory are kept until it returns, so it must not wait for another
  ///     member or reservation: that may be waiting for just these.
  /// - Returns: for each member its answer, or why there is none.
  public func run(
    _ program: FusedProgram, inputs: [[Tensor]], way: LoadRequest.Way, trace: Trace? = nil,
    feed: @escaping Feed = { _ in [] },
    onAnswer: @escaping @Sendable (Int, Result<MemberAnswer, any Error>) -> Void = { _, _ in }
  ) async -> [Result<MemberAnswer, any Error>] {
    await withCheckedContinuation { continuation in
      begin(
        program, inputs, way, trace, feed: feed, onAnswer: onAnswer,
        finish: { continuation.resume(returning: $0) })
    }
  }

  /// Has every member of `program` run once, beside the programs that run already.
  /// - Parameters:
  ///   - inputs: for each member, its tensors in the order of the model's inputs.
  ///   - way: how extents that are not resident come in.
  ///   - feed: as in ``run(_:inputs:way:trace:feed:onAnswer:)``.
  ///   - onAnswer: as there.
  ///   - onEnd: called once for each member, on a lane, when it has answered and its memory has been given back. Must be
  ///     quick, and may submit programs.
  public func submit(
    _ program: FusedProgram, inputs: [[Tensor]], way: LoadRequest.Way, trace: Trace? = nil,
    feed: @escaping Feed = { _ in [] },
    onAnswer: @escaping @Sendable (Int, Result<MemberAnswer, any Error>) -> Void,
    onEnd: @escaping @Sendable (Int) -> Void
  ) {
    begin(program, inputs, way, trace, feed: feed, onAnswer: onAnswer, onEnd: onEnd)
  }

  private func begin(
    _ program: FusedProgram, _ inputs: [[Tensor]], _ way: LoadRequest.Way, _ trace: Trace?,
    feed: @escaping Feed, onAnswer: @escaping @Sendable (Int, Result<MemberAnswer, any Error>) -> Void,
    onEnd: @escaping @Sendable (Int) -> Void = { _ in },
    finish: @escaping @Sendable ([Result<MemberAnswer, any Error>]) -> Void = { _ in }
  ) {
    let run = ProgramRun(
      program: program, arenas: arenas.withLock { $0.begin(program.arenas) }, inputs: inputs, way: way,
      trace: trace, feed: feed, onAnswer: onAnswer, onEnd: onEnd, finish: finish)
    carryOut(run.state.withLock { $0.machine.submitted() }, of: run)
  }

  private func carryOut(_ actions: [ProgramState.Action], of run: ProgramRun) {
    for action in actions {
      switch action {
      case .reserve(let member): reserve(member, of: run)
      case .reserveEarly(let member): reserve(member, of: run, isEarly: true)
      case .start(let member):
        queue.append { [self] lane in
          shares.begin(lane)
          let answer = Result { try execute(member, of: run, on: lane) }
          shares.end(lane)
          finish(member, of: run, with: answer)
        }
      case .fail(let member, let source): fail(member, of: run, source: source)
      case .finish:
        arenas.withLock { $0.end(run.arenas) }
        run.finish(run.state.withLock { $0.answers.compactMap { $0 } })
      }
    }
  }

  /// - Parameter isEarly: it is content to wait for its turn.
  private func reserve(_ member: Int, of run: ProgramRun, isEarly: Bool = false) {
    let plan = run.program.members[member].plan
    var items = plan.reservedExtents.map { index in
      let extent = plan.model.file.extents[index]
      return ItemRequest(
        item: ResidencyItem(
          id: .extent(plan.model.extentNames[index]), byteCount: extent.byteCount,
          reloadCost: Double(extent.byteCount) / 1000, origin: plan.model.file.identity),
        source: .load(plan.model.load(extent: index, way: run.way)))
    }
    let arena = run.program.members[member].arena
    let arenaBytes = run.program.arenas[arena]
    if arenaBytes > 0 {
      items.insert(
        ItemRequest(
          item: ResidencyItem(
            id: .arena(run.arenas[arena]), byteCount: arenaBytes, reloadCost: Double(arenaBytes) / 10_000),
          source: .allocate), at: 0)
    }
    _ = residency.reserve(
      owner: plan.model.name, items: items,
      exclusiveBytes: roundedToPages(run.program.members[member].memory.requestBytes), mayWait: !isEarly
    ) { [self] result in
      switch result {
      case .failure(let error as ResidencyError) where error.kind == .noRoomNow:
        carryOut(run.state.withLock { $0.machine.postponed(member) }, of: run)
      // On a lane: whoever grants goes on to others, and does not wait for what is done with this answer.
      case .failure(let error): queue.append { [self] _ in finish(member, of: run, with: .failure(error)) }
      case .success(let lease):
        let actions = run.granted(member, lease)
        // Given back when a source has failed meanwhile.
        if actions == nil { lease.release() }
        carryOut(actions ?? [], of: run)
      }
    }
  }

  /// Called on a lane: runs one member and checks that nothing was read from a damaged file.
  private func execute(_ member: Int, of run: ProgramRun, on lane: Int) throws -> MemberAnswer {
    let part = run.program.members[member]
    guard let lease = run.state.withLock({ $0.leases[member] }) else { throw CancellationError() }
    run.state.withLock {
      $0.timings[member].started = monotonicNanoseconds()
      $0.timings[member].lane = lane
    }
    let isWaiting = part.plan.reservedExtents.contains { index in
      !lease.ticket(for: .extent(part.plan.model.extentNames[index])).isReady
    }
    if isWaiting {
      shares.end(lane)
      device.assistLoads()
      shares.begin(lane)
    }
    let memberRun = MemberRun(
      device: device, planner: planner, shares: shares, lane: lane, lease: lease,
      arena: .arena(run.arenas[part.arena]), arenaOffset: part.arenaOffset, reserved: part.memory,
      trace: run.trace)
    let outputs = Result {
      try memberRun.run(
        part.plan, inputs: try run.inputs(of: member), requestBytes: part.plan.requestBytes)
    }
    run.noteLoads(of: member, by: lease)
    // Whatever else went wrong may have come of the damage.
    var isDamaged = false
    for index in part.plan.reservedExtents {
      let id = ItemID.extent(part.plan.model.extentNames[index])
      let ticket = lease.ticket(for: id)
      guard ticket.isReady, !device.isIntact(try ticket.wait().handle) else { continue }
      residency.markDamaged(id)
      isDamaged = true
    }
    if isDamaged {
      throw ExecutorError(.damaged(model: part.plan.model.name, path: part.plan.model.file.path))
    }
    let names = part.plan.model.graph.outputs.map { part.plan.model.graph[$0].name }
    return MemberAnswer(
      outputs: Array(zip(names, try outputs.get())).map { (name: $0, tensor: $1) },
      timing: run.answered(member, at: monotonicNanoseconds()))
  }

  /// Called on a lane: hands the member's answer out, then gives its memory back, which may begin with evicting and
  /// loading for others.
  private func finish(_ member: Int, of run: ProgramRun, with answer: Result<MemberAnswer, any Error>) {
    if case .failure(let error as NeedsMoreMemory) = answer {
      run.release(member)
      // The plan that the member was linked with learns it, even where the rest of a rest ran out of room.
      run.program.members[member].plan.learn(error.memory)
      carryOut(run.state.withLock { $0.machine.vacated(member) }, of: run)
      restart(member, of: run)
      return
    }
    run.onAnswer(member, answer)
    run.release(member)
    conclude(member, of: run, with: answer)
  }

  /// The member has answered and holds nothing any more.
  private func conclude(_ member: Int, of run: ProgramRun, with answer: Result<MemberAnswer, any Error>) {
    let actions = run.state.withLock { state in
      state.answers[member] = answer
      let failed = if case .failure = answer { true } else { false }
      return state.machine.ended(member, failed: failed)
    }
    run.onEnd(member)
    carryOut(actions, of: run)
  }

  /// A source of the member has failed, on a lane: so does the member, and gives back what it holds.
  private func fail(_ member: Int, of run: ProgramRun, source: Int) {
    let answer = Result<MemberAnswer, any Error>.failure(
      ExecutorError(
        .sourceFailed(
          model: run.program.members[member].plan.model.name,
          source: run.program.members[source].plan.model.name)))
    run.onAnswer(member, answer)
    run.release(member)
    conclude(member, of: run, with: answer)
  }

  /// Runs a member again in a program of its own, now that its plan has learned how much arena its rest takes. The
  /// member holds nothing meanwhile, so nobody waits for it.
  private func restart(_ member: Int, of run: ProgramRun) {
    let plan = run.program.members[member].plan
    do {
      let program = try FusedProgram.link([plan], lanes: 1, budget: residency.budget)
      let again = ProgramRun(
        program: program, arenas: arenas.withLock { $0.begin(program.arenas) },
        inputs: [try run.inputs(of: member)],
        way: run.way, trace: run.trace, onAnswer: { _, answer in run.onAnswer(member, answer) },
        finish: { [self] answers in
          for answer in answers { conclude(member, of: run, with: answer) }
        },
        timing: run.state.withLock { $0.timings[member] })
      carryOut(again.state.withLock { $0.machine.submitted() }, of: again)
    } catch {
      finish(member, of: run, with: .failure(error))
    }
  }
}

/// One submitted program while it runs.
private final class ProgramRun: Sendable {
  struct State: Sendable {
    var machine: ProgramState
    var leases: [Lease?]
    var answers: [Result<MemberAnswer, any Error>?]
    var timings: [MemberTiming]
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

  init(
    program: FusedProgram, arenas: [UInt64], inputs: [[Tensor]], way: LoadRequest.Way, trace: Trace?,
    feed: @escaping Executor.Feed = { _ in [] },
    onAnswer: @escaping @Sendable (Int, Result<MemberAnswer, any Error>) -> Void,
    onEnd: @escaping @Sendable (Int) -> Void = { _ in },
    finish: @escaping @Sendable ([Result<MemberAnswer, any Error>]) -> Void,
    timing: MemberTiming = MemberTiming(submitted: monotonicNanoseconds())
  ) {
    self.program = program
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
        timings: Array(repeating: timing, count: count)))
  }

  /// A member's inputs; none when the caller forgot them, which the member reports.
  func inputs(of member: Int) throws -> [Tensor] {
    guard !program.members[member].sources.isEmpty else {
      return inputs.indices.contains(member) ? inputs[member] : []
    }
    return try feed(member)
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

  /// Notes what was brought in for the member, which has run, and when the last of it was there.
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
