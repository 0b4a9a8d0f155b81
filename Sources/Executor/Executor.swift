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
  ///   - inputs: for each member, its tensors in the order of the model's inputs; may be shorter than the members.
  ///   - way: how to load extents that are not resident.
  ///   - feed: returns a member's inputs. Called on a lane, under the member's reservation, for each member with
  ///     sources, once `onAnswer` has returned for all of them, and for each member without an entry in `inputs`.
  ///   - onAnswer: called on a lane as soon as a member has answered or failed, before its memory is
  ///     released. The lane and the memory are held until it returns, so it must not wait for another member
  ///     or reservation: that one may be waiting for this lane or memory.
  /// - Returns: each member's answer, or the error that prevented it.
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
  ///   - way: how to load extents that are not resident.
  ///   - onCaller: one member that waits for nothing may run on the calling thread, with one thread, in the place of a lane
  ///     that sleeps, and has ended when this returns; the closures are called here then, without the lane. To wake a lane, and
  ///     be woken by it, takes longer than some models compute.
  ///   - feed: as in ``run(_:inputs:way:trace:feed:onAnswer:)``.
  ///   - onAnswer: as there.
  ///   - onEnd: called once for each member, on a lane, when it has answered and its memory has been given back. Must be
  ///     quick, and may submit programs.
  public func submit(
    _ program: FusedProgram, inputs: [[Tensor]], way: LoadRequest.Way, trace: Trace? = nil,
    onCaller: Bool = false, feed: @escaping Feed = { _ in [] },
    onAnswer: @escaping @Sendable (Int, Result<MemberAnswer, any Error>) -> Void,
    onEnd: @escaping @Sendable (Int) -> Void
  ) {
    begin(program, inputs, way, trace, onCaller: onCaller, feed: feed, onAnswer: onAnswer, onEnd: onEnd)
  }

  private func begin(
    _ program: FusedProgram, _ inputs: [[Tensor]], _ way: LoadRequest.Way, _ trace: Trace?,
    onCaller: Bool = false, feed: @escaping Feed,
    onAnswer: @escaping @Sendable (Int, Result<MemberAnswer, any Error>) -> Void,
    onEnd: @escaping @Sendable (Int) -> Void = { _ in },
    finish: @escaping @Sendable ([Result<MemberAnswer, any Error>]) -> Void = { _ in }
  ) {
    let run = ProgramRun(
      program: program, arenas: arenas.withLock { $0.begin(program.arenas) }, inputs: inputs, way: way,
      trace: trace, feed: feed, onAnswer: onAnswer, onEnd: onEnd, finish: finish, callerWaits: onCaller)
    carryOut(run.state.withLock { $0.machine.submitted() }, of: run)
    // Not where it was granted: there, whoever asks for memory meanwhile would wait for the run.
    if onCaller, let member = run.callerLeaves() { runOnCaller(member, of: run) }
  }

  /// True while all lanes sleep.
  package var isIdle: Bool { queue.isIdle }

  private func carryOut(_ actions: [ProgramState.Action], of run: ProgramRun) {
    for action in actions {
      switch action {
      case .reserve(let member): reserve(member, of: run)
      case .reserveEarly(let member): reserve(member, of: run, isEarly: true)
      case .start(let member): if !run.leaveToCaller(member) { runOnLane(member, of: run) }
      case .fail(let member, let source): fail(member, of: run, source: source)
      case .finish:
        arenas.withLock { $0.end(run.arenas) }
        run.finish(run.state.withLock { $0.answers.compactMap { $0 } })
      }
    }
  }

  private func runOnLane(_ member: Int, of run: ProgramRun) {
    queue.append { [self] lane in
      shares.begin(lane)
      let answer = Result { try execute(member, of: run, on: lane) }
      shares.end(lane)
      finish(member, of: run, with: answer)
    }
  }

  /// Runs the member here, in the place of a lane, when that has to wait for nothing.
  private func runOnCaller(_ member: Int, of run: ProgramRun) {
    guard isAtHand(member, of: run), let lane = queue.borrowLane() else { return runOnLane(member, of: run) }
    guard shares.beginAlone(lane) else {
      queue.giveBack(lane)
      return runOnLane(member, of: run)
    }
    let answer = Result { try execute(member, of: run, on: lane, alone: true) }
    shares.endAlone(lane)
    queue.giveBack(lane)
    finish(member, of: run, with: answer)
  }

  /// Returns true if everything that the member needs is available and each of its kernels can run with one
  /// thread.
  private func isAtHand(_ member: Int, of run: ProgramRun) -> Bool {
    let part = run.program.members[member]
    guard part.plan.continuation == nil, part.plan.steps.allSatisfy({ $0.threads.contains(1) }),
      let lease = run.state.withLock({ $0.leases[member] })
    else { return false }
    let arena = run.arenas[part.arena]
    return (run.program.arenas[part.arena] == 0 || lease.ticket(for: .arena(arena)).isReady)
      && part.plan.reservedExtents.allSatisfy {
        lease.ticket(for: .extent(part.plan.model.extentNames[$0])).isReady
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
      case .failure(let error as ResidencyError) where error.kind == .doesNotFit && isEarly:
        carryOut(run.state.withLock { $0.machine.postponed(member) }, of: run)
      case .failure(let error as ResidencyError) where error.kind == .doesNotFit && run.mayTakeLess(member):
        queue.append { [self] _ in runWithLeast(member, of: run) }
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

  /// Called on a lane, or in the place of one: runs one member and checks that nothing was read from a damaged file.
  /// - Parameter alone: with one thread, which it has already.
  private func execute(
    _ member: Int, of run: ProgramRun, on lane: Int, alone: Bool = false
  ) throws -> MemberAnswer {
    let part = run.program.members[member]
    guard let lease = run.state.withLock({ $0.leases[member] }) else { throw CancellationError() }
    // The thread may be the caller's, which gets it back as it was.
    let before = device.beginComputing()
    defer { device.endComputing(before) }
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
      device: device, planner: planner, shares: alone ? nil : shares, lane: lane, lease: lease,
      arena: .arena(run.arenas[part.arena]), arenaOffset: part.arenaOffset, reserved: part.memory,
      room: (room(of: part.plan), residency.budget), trace: run.trace)
    let outputs = Result {
      try memberRun.answer(part.plan, inputs: try run.inputs(of: member))
    }
    run.noteLoads(of: member, by: lease)
    // Other errors of the run may be consequences of the damage.
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

  /// Called on a lane, or for one: hands the member's answer out, then gives its memory back, which may begin with evicting and
  /// loading for others.
  private func finish(_ member: Int, of run: ProgramRun, with answer: Result<MemberAnswer, any Error>) {
    if case .failure(let error as NeedsMoreMemory) = answer {
      run.release(member)
      // The plan that the member was linked with learns it, even where the rest of a rest ran out of room.
      let plan = run.program.members[member].plan
      plan.learn(error.memory, limit: room(of: plan))
      carryOut(run.state.withLock { $0.machine.vacated(member) }, of: run)
      restart(member, of: run, with: error.memory)
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

  /// Runs a member again with the least that it can take: beside what is pinned now there is no room for what its plan has
  /// learned, or for the arena that it shares with others.
  private func runWithLeast(_ member: Int, of run: ProgramRun) {
    let plan = run.program.members[member].plan
    plan.forget()
    carryOut(run.state.withLock { $0.machine.vacated(member) }, of: run)
    restart(member, of: run, with: plan.ownMemory)
  }

  /// The most bytes that a member of the plan can have beside its weights.
  private func room(of plan: Plan) -> Int { residency.budget - plan.reservedExtentBytes }

  /// Runs a member again in a program of its own, now that it is known what it takes. The member holds nothing meanwhile,
  /// so nobody waits for it. Its inputs are made under the new reservation, which counts their bytes.
  private func restart(_ member: Int, of run: ProgramRun, with memory: MemberMemory) {
    let plan = run.program.members[member].plan
    do {
      let program = try FusedProgram.link([plan], lanes: 1, budget: residency.budget, memory: [memory])
      let again = ProgramRun(
        program: program, arenas: arenas.withLock { $0.begin(program.arenas) }, inputs: [],
        way: run.way, trace: run.trace, feed: { _ in try run.inputs(of: member) },
        onAnswer: { _, answer in run.onAnswer(member, answer) },
        finish: { [self] answers in
          for answer in answers { conclude(member, of: run, with: answer) }
        },
        timing: run.state.withLock { $0.timings[member] }, isRestart: true)
      carryOut(again.state.withLock { $0.machine.submitted() }, of: again)
    } catch {
      finish(member, of: run, with: .failure(error))
    }
  }
}
