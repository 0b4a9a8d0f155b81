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
    var answers: [MemberAnswer?]
    var widths: [Int]
    var failure: (any Error)?
    var onFinish: (@Sendable (Result<PipelineAnswer, any Error>) -> Void)?
  }

  private let request: ScheduledPipeline
  private let engine: Engine
  private let admitted: UInt64
  private let state: Locked<State>
  /// Planning takes a while: neither lanes nor Swift's threads do it.
  private static let queue = DispatchQueue(label: "fusedinf.pipelines", attributes: .concurrent)

  private var pipeline: Pipeline { request.pipeline }

  init(_ request: ScheduledPipeline, engine: Engine, admitted: UInt64) {
    self.request = request
    self.engine = engine
    self.admitted = admitted
    let count = request.pipeline.stages.count
    state = Locked(
      State(
        machine: PipelineState(
          sources: request.pipeline.sources, needed: request.pipeline.stages(for: request.outputs)),
        plans: Array(repeating: nil, count: count), answers: Array(repeating: nil, count: count),
        widths: Array(repeating: 0, count: count)))
  }

  /// - Parameter onFinish: called once, on any thread.
  func start(_ onFinish: @escaping @Sendable (Result<PipelineAnswer, any Error>) -> Void) {
    carryOut {
      $0.onFinish = onFinish
      return $0.machine.begin()
    }
  }

  /// What has not begun does not begin.
  func cancel() {
    carryOut {
      $0.failure = $0.failure ?? CancellationError()
      return $0.machine.stop()
    }
  }

  private func carryOut(_ event: (inout State) -> [PipelineState.Action]) {
    for action in state.withLock(event) {
      switch action {
      case .plan(let stage): PipelineRun.queue.async { [self] in plan(stage) }
      case .run(let stages): PipelineRun.queue.async { [self] in run(stages) }
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

  private func run(_ stages: [Int]) {
    let members = Dictionary(uniqueKeysWithValues: stages.enumerated().map { ($1, $0) })
    let plans = state.withLock { state in stages.compactMap { state.plans[$0] } }
    let sources = stages.map { stage in pipeline.sources[stage].compactMap { members[$0] } }
    let program: FusedProgram
    let inputs: [[Tensor]]
    do {
      program = try engine.link(plans, sources: sources)
      inputs = try zip(stages, sources).map { stage, sources in
        sources.isEmpty ? try self.inputs(of: stage) : []
      }
    } catch {
      // None of them has begun.
      for stage in stages { fail(stage, error) }
      return
    }
    Task { [self] in
      _ = await engine.executor.run(
        program, inputs: inputs, way: .mapped, feed: { [self] in try self.inputs(of: stages[$0]) },
        onAnswer: { [self] member, answer in
          let stage = stages[member]
          switch answer {
          case .failure(let error): fail(stage, error)
          case .success(let answer):
            carryOut {
              $0.answers[stage] = answer
              $0.widths[stage] = stages.count
              return $0.machine.answered(stage)
            }
          }
        })
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
    let (failure, onFinish) = state.withLock { ($0.failure, $0.onFinish.take()) }
    onFinish?(
      Result {
        if let failure { throw failure }
        return try answer()
      })
  }

  private func answer() throws -> PipelineAnswer {
    let outputs = try request.outputs.map { index in
      (name: pipeline.outputs[index].name, tensor: try tensor(at: pipeline.outputs[index].wire))
    }
    var timing = RequestTiming(admitted: admitted)
    var stages: [(name: String, timing: RequestTiming)] = []
    let (answers, widths) = state.withLock { ($0.answers, $0.widths) }
    for (index, answer) in answers.enumerated() {
      guard let answer else { continue }
      var part = RequestTiming(admitted: admitted)
      (part.dispatched, part.loaded) = (answer.timing.submitted, answer.timing.loaded)
      (part.started, part.answered) = (answer.timing.started, answer.timing.answered)
      (part.bytesLoaded, part.programWidth) = (answer.timing.bytesLoaded, widths[index])
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

  private func inputs(of stage: Int) throws -> [Tensor] {
    try pipeline.stages[stage].inputs.map { try tensor(at: $0) }
  }

  /// What comes out of the wire, now that what goes in is there.
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
  /// The tensor, cast by the device's own kernel and reshaped.
  /// - Throws: ``PipelineError`` when there is no such cast, or the sizes do not fit it.
  func adapted(_ tensor: Tensor, on device: any Device, in name: String) throws -> Tensor {
    var result = try tensor.reshaped(to: shape(of: tensor.shape))
    guard let cast, cast != tensor.elementType else { return result }
    let node = Node(name: "cast", op: .cast(cast), inputs: [ValueID(0)], outputs: [ValueID(1)])
    let results = try DeviceEvaluator(device).evaluate(
      node, operands: [result], resultTypes: [ValueType(cast, result.shape)], in: name)
    guard let converted = results?.first ?? nil else {
      throw PipelineError(.noConversion(from: tensor.elementType, to: cast))
    }
    result = converted
    return result
  }
}
