import Device
import Dispatch
import Engine
import Executor
import Linker
import ModelGraph
import Tensors

/// One pipeline while it runs: carries out what ``PipelineState`` decides.
final class PipelineRun: Sendable {
  private struct State: Sendable {
    var machine: PipelineState
    var plans: [Plan?]
    /// Without their tensors once nobody takes these any more.
    var answers: [MemberAnswer?]
    var widths: [Int]
    var failure: (any Error)?
    var onFinish: (@Sendable (Result<PipelineAnswer, any Error>) -> Void)?
  }

  let id: RequestID
  /// The stages that are to run, in the pipeline's order.
  let stages: [Int]
  private let request: ScheduledPipeline
  private let scheduler: Scheduler
  private let admitted: UInt64
  private let state: Locked<State>
  /// The queue on which stages are linked and tensors between them cast: neither on lanes nor on Swift's
  /// threads.
  private static let queue = DispatchQueue(label: "fusedinf.pipelines", attributes: .concurrent)

  var pipeline: Pipeline { request.pipeline }
  private var engine: Engine { scheduler.engine }

  init(_ id: RequestID, _ request: ScheduledPipeline, scheduler: Scheduler, admitted: UInt64) {
    self.id = id
    self.request = request
    self.scheduler = scheduler
    self.admitted = admitted
    let count = request.pipeline.stages.count
    let needed = request.pipeline.stages(for: request.outputs)
    stages = needed.sorted()
    state = Locked(
      State(
        machine: PipelineState(sources: request.pipeline.sources, needed: needed),
        plans: Array(repeating: nil, count: count), answers: Array(repeating: nil, count: count),
        widths: Array(repeating: 0, count: count)))
  }

  /// The run as the queue knows it.
  var submission: Submission {
    var shapes = Hasher()
    for input in request.inputs {
      shapes.combine(input.elementType)
      shapes.combine(input.shape)
    }
    let hash = shapes.finalize()
    let positions = Dictionary(uniqueKeysWithValues: stages.enumerated().map { ($1, $0) })
    let parts = stages.map { stage in
      var shapes = Hasher()
      for part in [hash, stage] { shapes.combine(part) }
      let model = pipeline.stages[stage].model
      return StageSubmission(
        model: ModelID(model), name: model.name, shapes: shapes.finalize(),
        sources: pipeline.sources[stage].compactMap { positions[$0] })
    }
    var submission = Submission(
      id: id, model: parts.first?.model ?? ModelID(rawValue: 0), name: pipeline.name)
    submission.tenant = request.tenant
    submission.priority = request.priority
    submission.deadline = request.deadline
    submission.keepAlive = request.keepAlive?.clampedNanoseconds
    submission.bytes = inputBytes
    submission.isPlanned = false
    submission.shapes = hash
    submission.stages = parts
    return submission
  }

  private var inputBytes: Int { request.inputs.map(\.memoryBytes).saturatingSum }

  /// - Parameter onFinish: called once, on any thread.
  func answers(_ onFinish: @escaping @Sendable (Result<PipelineAnswer, any Error>) -> Void) {
    state.withLock { $0.onFinish = onFinish }
  }

  /// It has been admitted.
  func begin() { carryOut { $0.machine.begin() } }

  /// Stages that have not begun do not begin.
  func cancel() {
    carryOut {
      $0.failure = $0.failure ?? CancellationError()
      return $0.machine.stop()
    }
  }

  /// It has left the queue without having run.
  func drop(_ error: any Error) {
    let onFinish = state.withLock { $0.onFinish.take() }
    cancel()
    onFinish?(.failure(error))
  }

  private func carryOut(_ event: (inout State) -> [PipelineState.Action]) {
    for action in state.withLock(event) {
      switch action {
      case .plan(let stage):
        scheduler.planning.add(tenant: request.tenant, model: ModelID(pipeline.stages[stage].model)) {
          [self] in plan(stage)
        }
      case .run(let stages): ready(stages)
      case .finish: finish()
      }
    }
  }

  private func plan(_ stage: Int) {
    do {
      if let deadline = request.deadline, deadline < monotonicNanoseconds() {
        throw SchedulerError(
          .deadlinePassed(
            model: pipeline.name, waited: .nanoseconds(Int64(clamping: monotonicNanoseconds() - admitted))))
      }
      let types = try pipeline.stages[stage].inputs.map { try type(of: $0) }
      let plan = try engine.planner.plan(pipeline.stages[stage].model, inputs: types)
      carryOut {
        $0.plans[stage] = plan
        return $0.machine.planned(stage, isOpen: plan.continuation != nil)
      }
    } catch { fail(stage, error) }
  }

  /// Stages may run as one program when their turn comes.
  private func ready(_ ready: [Int]) {
    let plans = state.withLock { $0.plans }
    scheduler.planned(
      ready.compactMap { stage in
        guard let index = stages.firstIndex(of: stage), let plan = plans[stage] else { return nil }
        return (index, plan)
      }, of: self)
  }

  /// Their turn has come.
  func dispatched(_ work: [Scheduler.StageWork], program: UInt64) {
    PipelineRun.queue.async { [self] in run(work, program: program) }
  }

  private func run(_ work: [Scheduler.StageWork], program number: UInt64) {
    let stages = work.map { self.stages[$0.index] }
    let members = Dictionary(uniqueKeysWithValues: stages.enumerated().map { ($1, $0) })
    let plans = state.withLock { state in stages.compactMap { state.plans[$0] } }
    let sources = stages.map { stage in pipeline.sources[stage].compactMap { members[$0] } }
    let program: FusedProgram
    do { program = try engine.link(plans, sources: sources) } catch {
      // None of them has begun.
      for part in work { scheduler.ended(part.member, nil) }
      for stage in stages { fail(stage, error) }
      return
    }
    // Casts make tensors: only once the stage's memory is reserved.
    engine.executor.submit(
      program, inputs: [], way: .mapped,
      feed: { [self] member in
        if let error = state.withLock({ $0.failure }), error is CancellationError { throw error }
        return try self.inputs(of: stages[member])
      },
      onAnswer: { [self] member, result in answered(stages[member], work[member], result, program: number) },
      onEnd: { [self] member in
        let timing = state.withLock { $0.answers[stages[member]]?.timing }
        scheduler.ended(work[member].member, timing.map { MemberSample($0) })
      })
  }

  private func answered(
    _ stage: Int, _ work: Scheduler.StageWork, _ result: Result<MemberAnswer, any Error>, program: UInt64
  ) {
    let measured = try? result.get().timing
    var timing = RequestTiming(admitted: admitted)
    timing.programWidth = work.width
    let model = pipeline.stages[stage].model
    scheduler.onEvent?(
      .answered(
        model: model.name, version: model.version, batch: 1, program: program,
        timing: measured.map { timing.with($0, dispatched: $0.submitted) } ?? timing,
        lane: measured?.lane ?? 0, failed: isFailure(result)))
    switch result {
    case .failure(let error): fail(stage, error)
    case .success(let answer):
      let held = state.withLock { state in
        state.answers[stage] = answer
        state.widths[stage] = work.width
        return letGo(of: &state.answers)
      }
      scheduler.holds(self, bytes: held)
      carryOut { $0.machine.answered(stage) }
    }
  }

  /// Lets go of tensors that nobody takes any more.
  /// - Returns: the bytes that are kept, with the inputs.
  private func letGo(of answers: inout [MemberAnswer?]) -> Int {
    let wanted = Set(request.outputs.compactMap { pipeline.outputs[$0].wire.stage })
    let awaited = Set(stages.filter { answers[$0] == nil }.flatMap { pipeline.sources[$0] })
    for stage in stages where !wanted.contains(stage) && !awaited.contains(stage) {
      answers[stage]?.outputs = []
    }
    return answers.reduce(inputBytes) { sum, answer in
      sum.adding(saturating: answer?.outputs.map(\.tensor.memoryBytes).saturatingSum ?? 0)
    }
  }

  private func fail(_ stage: Int, _ error: any Error) {
    carryOut {
      $0.failure =
        $0.failure
        ?? PipelineError(.stage(pipeline: pipeline.name, stage: pipeline.stages[stage].name, error))
      return $0.machine.failed(stage)
    }
  }

  private func finish() {
    scheduler.finished(self)
    let (failure, onFinish) = state.withLock { ($0.failure, $0.onFinish.take()) }
    guard let onFinish else { return }
    if let failure { return onFinish(.failure(failure)) }
    PipelineRun.queue.async { [self] in onFinish(Result { try answer() }) }
  }

  private func answer() throws -> PipelineAnswer {
    try request.onOutputs?(outputBytes())
    let outputs = try request.outputs.map { index in
      (name: pipeline.outputs[index].name, tensor: try tensor(at: pipeline.outputs[index].wire))
    }
    var timing = RequestTiming(admitted: admitted)
    var stages: [(name: String, timing: RequestTiming)] = []
    let (answers, widths) = state.withLock { ($0.answers, $0.widths) }
    for (index, answer) in answers.enumerated() {
      guard let answer else { continue }
      var part = RequestTiming(admitted: admitted).with(answer.timing, dispatched: answer.timing.submitted)
      part.programWidth = widths[index]
      if stages.isEmpty || part.started < timing.started {
        (timing.started, timing.loaded) = (part.started, part.loaded)
      }
      timing.dispatched = stages.isEmpty ? part.dispatched : min(timing.dispatched, part.dispatched)
      timing.bytesLoaded += part.bytesLoaded
      timing.programWidth = max(timing.programWidth, part.programWidth)
      stages.append((name: pipeline.stages[index].name, timing: part))
    }
    timing.answered = monotonicNanoseconds()
    if stages.isEmpty { timing.dispatched = timing.answered }
    return PipelineAnswer(outputs: outputs, timing: timing, stages: stages)
  }

  // MARK: Wires

  /// Returns the bytes of all requested outputs, each counted as often as it is requested.
  private func outputBytes() throws -> Int {
    try request.outputs.reduce(0) { sum, index in
      let wire = pipeline.outputs[index].wire
      let (elementType, shape) = try type(of: wire)
      let texts = elementType == .string ? try source(of: wire).memoryBytes : 0
      return sum.adding(saturating: elementType.byteCount(of: shape.elementCount) ?? .max).adding(
        saturating: texts)
    }
  }

  private func inputs(of stage: Int) throws -> [Tensor] {
    try pipeline.stages[stage].inputs.map { try tensor(at: $0) }
  }

  /// Returns the tensor that comes out of the wire, once its source is available.
  private func tensor(at wire: Wire) throws -> Tensor {
    try wire.adapted(try source(of: wire), on: engine.device, in: pipeline.name)
  }

  private func source(of wire: Wire) throws -> Tensor {
    switch wire.source {
    case .constant(let tensor): return tensor
    case .input(let index):
      guard request.inputs.indices.contains(index) else {
        throw PipelineError(
          .inputCount(pipeline: pipeline.name, expected: index + 1, found: request.inputs.count))
      }
      return request.inputs[index]
    case .result(let stage, let output):
      guard let outputs = state.withLock({ $0.answers[stage]?.outputs }), outputs.indices.contains(output)
      else { throw CancellationError() }
      return outputs[output].tensor
    }
  }

  /// The type that comes out of the wire: of a stage that has not answered, by its plan.
  private func type(of wire: Wire) throws -> (ElementType, Shape) {
    var (elementType, shape): (ElementType, Shape)
    if case .result(let stage, let output) = wire.source, state.withLock({ $0.answers[stage] == nil }),
      let plan = state.withLock({ $0.plans[stage] }), plan.outputs.indices.contains(output)
    {
      (elementType, shape) = (plan.outputs[output].elementType, plan.outputs[output].shape)
    } else {
      let tensor = try source(of: wire)
      (elementType, shape) = (tensor.elementType, tensor.shape)
    }
    return (wire.cast ?? elementType, try wire.shape(of: shape))
  }
}

extension Wire {
  /// Elements that are cast in one go: the device's kernel works on copies.
  private static let piece = 1 << 16

  /// The tensor, cast by the device's own kernel and reshaped.
  /// - Throws: ``PipelineError`` when there is no such cast, or the sizes do not fit it.
  func adapted(_ tensor: Tensor, on device: any Device, in name: String) throws -> Tensor {
    let tensor = try tensor.reshaped(to: shape(of: tensor.shape))
    guard let cast, cast != tensor.elementType else { return tensor }
    let shape = tensor.shape
    let evaluator = DeviceEvaluator(device)
    let node = Node(name: "cast", op: .cast(cast), inputs: [ValueID(0)], outputs: [ValueID(1)])
    return try Tensor(elementType: cast, shape: shape) { target in
      try tensor.withUnsafeBytes { source in
        var (first, written) = (0, 0)
        while first < shape.elementCount {
          let count = min(Self.piece, shape.elementCount - first)
          let bits = first * tensor.elementType.bitWidth
          let part = try Tensor(elementType: tensor.elementType, shape: Shape(checking: [count])) { bytes in
            bytes.copyMemory(
              from: UnsafeRawBufferPointer(rebasing: source[(bits / 8)..<(bits / 8 + bytes.count)]))
          }
          let results = try evaluator.evaluate(
            node, operands: [part], resultTypes: [ValueType(cast, part.shape)], in: name)
          guard let converted = results?.first ?? nil else {
            throw PipelineError(.noConversion(from: tensor.elementType, to: cast))
          }
          converted.withUnsafeBytes {
            UnsafeMutableRawBufferPointer(rebasing: target[written..<(written + $0.count)]).copyMemory(
              from: $0)
            written += $0.count
          }
          first += count
        }
      }
    }
  }
}
