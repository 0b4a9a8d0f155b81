import Device
import Executor
import Foundation
import Linker
import Tensors

extension Scheduler {
  /// One member that is to run.
  struct MemberWork: Sendable {
    var member: MemberID
    var program: UInt64
    /// Those whose clients are still there.
    var requests: [(RequestID, Pending)]
    /// Of all of them.
    var rows: Int
    /// True if it may run on the thread that submits its only request.
    var isShort: Bool
  }

  /// One part of a program: a member, or, where a batch cannot be run as one, one of its requests.
  private struct Part: Sendable {
    var member: MemberID
    var program: UInt64
    var plan: Plan
    var inputs: [Tensor]
    /// In the order of their rows.
    var requests: [(id: RequestID, rows: Int)]
  }

  /// Has members run as one program.
  /// - Parameter onCaller: here, where that is possible.
  func dispatch(_ members: [MemberWork], onCaller: Bool = false) {
    if members.contains(where: { $0.requests.count > 1 }) {
      // Copies tensors, which may be large: not on a lane.
      work.async { [self] in run(members.map { ($0, parts(of: $0)) }) }
    } else {
      run(members.map { ($0, single($0)) }, onCaller: onCaller)
    }
  }

  private func parts(of work: MemberWork) -> [Part] {
    guard work.requests.count > 1 else { return single(work) }
    return (try? batch(work)).map { [$0] } ?? single(work)
  }

  private func single(_ work: MemberWork) -> [Part] {
    work.requests.compactMap { id, pending in
      pending.plan.map { plan in
        Part(
          member: work.member, program: work.program, plan: plan, inputs: pending.request.inputs,
          requests: [(id, pending.rows)])
      }
    }
  }

  /// All requests of a member as one batch.
  /// - Throws: when it cannot be put together, planned or linked.
  private func batch(_ work: MemberWork) throws -> Part {
    let requests = work.requests.map(\.1.request)
    let plan = try engine.planner.plan(
      requests[0].model,
      inputs: requests[0].inputs.map {
        ($0.elementType, try Shape(checking: [work.rows] + $0.shape.dims.dropFirst()))
      })
    _ = try engine.link([plan])
    let inputs = try requests[0].inputs.indices.map { index in
      try Tensor(rowsOf: requests.map { $0.inputs[index] })
    }
    return Part(
      member: work.member, program: work.program, plan: plan, inputs: inputs,
      requests: work.requests.map { ($0, $1.rows) })
  }

  private func run(_ members: [(work: MemberWork, parts: [Part])], onCaller: Bool = false) {
    var linked: [Part] = []
    var parts: [MemberID: Int] = [:]
    var ended: [MemberID] = []
    for (work, all) in members {
      for part in all {
        do {
          if members.count > 1 || all.count > 1 { _ = try engine.link([part.plan]) }
          linked.append(part)
          parts[work.member, default: 0] += 1
        } catch { answer(part, .failure(error)) }
      }
      if parts[work.member] == nil { ended.append(work.member) }
    }
    let program: FusedProgram
    do {
      program = try engine.link(linked.map(\.plan))
    } catch {
      for part in linked { answer(part, .failure(error)) }
      return end(members.map(\.work.member))
    }
    end(ended)
    guard !linked.isEmpty else { return }
    let progress = Locked(Progress(left: parts))
    engine.executor.submit(
      program, inputs: linked.map(\.inputs), way: .mapped, onCaller: onCaller,
      onAnswer: { [self, linked] index, result in
        progress.withLock { $0.note(linked[index].member, result) }
        answer(linked[index], result)
      },
      onEnd: { [self, linked] index in
        let member = linked[index].member
        guard let sample = progress.withLock({ $0.end(member) }) else { return }
        decide { core in core.machine.ended(member, sample.measured, now: monotonicNanoseconds()) }
      })
  }

  /// Notes members that could not be run. Not in the decision that dispatched them: what is dispatched next may end the
  /// same way, and the stack would grow with the queue.
  private func end(_ members: [MemberID]) {
    guard !members.isEmpty else { return }
    work.async { [self] in
      for member in members {
        decide { core in core.machine.ended(member, nil, now: monotonicNanoseconds()) }
      }
    }
  }

  /// Hands a part's answer to its requests.
  private func answer(_ part: Part, _ result: Result<MemberAnswer, any Error>) {
    let (replies, observer) = core.withLock { core in
      (part.requests.map { core.pending.removeValue(forKey: $0.id) }, core.observer)
    }
    let total = part.requests.reduce(0) { $0 + $1.rows }
    var first = 0
    for ((_, rows), pending) in zip(part.requests, replies) {
      defer { first += rows }
      guard let pending else { continue }
      let isBatch = part.requests.count > 1
      pending.reply(
        Result {
          let answer = try result.get()
          let outputs =
            isBatch
            ? try answer.outputs.map { ($0.name, try $0.tensor.rows(first..<first + rows, of: total)) }
            : answer.outputs
          try pending.request.onOutputs?(outputs.map(\.tensor.memoryBytes).saturatingSum)
          return ScheduledAnswer(outputs: outputs, timing: pending.timing.with(answer.timing))
        })
    }
    guard let observer else { return }
    let measured = try? result.get().timing
    // If all clients have gone away, only the run's own timing counts.
    let timing =
      replies.compactMap { $0?.timing }.first
      ?? RequestTiming(admitted: measured?.submitted ?? monotonicNanoseconds())
    observer(
      .answered(
        model: part.plan.model.name, version: part.plan.model.version, batch: part.requests.count,
        program: part.program, timing: measured.map { timing.with($0) } ?? timing, lane: measured?.lane ?? 0,
        failed: isFailure(result)))
  }

  /// Plans a batch in the background.
  /// - Parameter example: one of its requests.
  func planBatch(_ key: BatchKey, rows: Int, _ example: ScheduledRequest) {
    let model = example.model
    let inputs = example.inputs.map { ($0.elementType, $0.shape) }
    batchPlanning.add(tenant: example.tenant, model: ModelID(model)) { [self] in
      let plan = try? engine.planner.plan(
        model, inputs: inputs.map { ($0, try Shape(checking: [rows] + $1.dims.dropFirst())) })
      let isReady = plan.map { (try? engine.link([$0])) != nil } ?? false
      decide { core in
        core.machine.batchPlanned(key, rows: rows, isReady: isReady)
        return []
      }
    }
  }
}

/// The members of a program that have ended.
private struct Progress: Sendable {
  struct Sample: Sendable { var measured: MemberSample? }

  var left: [MemberID: Int]
  private var samples: [MemberID: MemberSample] = [:]

  init(left: [MemberID: Int]) { self.left = left }

  /// A part of the member has answered.
  mutating func note(_ member: MemberID, _ result: Result<MemberAnswer, any Error>) {
    // A batch that ran in several parts teaches nothing about the batch.
    guard left[member] == 1, let timing = try? result.get().timing else { return }
    samples[member] = MemberSample(timing)
  }

  /// A part of the member has ended.
  /// - Returns: what was measured, once its last part has; `nil` before.
  mutating func end(_ member: MemberID) -> Sample? {
    guard let count = left[member] else { return nil }
    left[member] = count > 1 ? count - 1 : nil
    return count > 1 ? nil : Sample(measured: samples[member])
  }
}

extension MemberSample {
  init(_ timing: MemberTiming) {
    let begun = timing.bytesLoaded > 0 ? max(timing.started, timing.loaded) : timing.started
    self.init(
      compute: timing.answered > begun ? timing.answered - begun : 0,
      swapIn: timing.loaded > timing.granted ? timing.loaded - timing.granted : 0,
      bytesLoaded: timing.bytesLoaded)
  }
}

extension RequestTiming {
  /// With what was measured of the member that ran it.
  /// - Parameter dispatched: when that was, where it is not noted yet.
  func with(_ timing: MemberTiming, dispatched: UInt64? = nil) -> RequestTiming {
    var result = self
    if let dispatched { result.dispatched = dispatched }
    result.loaded = timing.loaded
    result.started = timing.started
    result.answered = timing.answered
    result.bytesLoaded = timing.bytesLoaded
    return result
  }
}
