import Executor
import InferenceProtocol
import Scheduler
import Tensors

extension InferenceService {
  static let pipelinePlatform = "ensemble"

  /// The pipelines that are served beside models.
  public var pipelines: PipelineCatalog { catalog.pipelines }

  /// A pipeline's inputs and outputs.
  func metadata(ofPipeline name: String, version: Int?) async throws -> ModelMetadataMessage {
    let bound = try await pipelines.pipeline(name, version: version, models: catalog)
    return ModelMetadataMessage(
      name: name, versions: ["\(bound.pipeline.version)"], platform: InferenceService.pipelinePlatform,
      inputs: bound.inputs, outputs: bound.outputs)
  }

  /// Runs one request for a pipeline. `timing` tells each stage's times beside the whole's, as `stages.NAME.compute_us`
  /// and so on.
  func answer(pipeline request: InferRequest, arrival: UInt64) async throws -> InferResponse {
    var bound = try await pipelines.pipeline(request.model, version: request.version, models: catalog)
    while true {
      do { return try await answer(request, by: bound, arrival: arrival) } catch let error as SchedulerError
        where error.kind == .draining
      {
        // A newer version of one of its models came in between.
        let newer = try await pipelines.pipeline(request.model, version: request.version, models: catalog)
        let models = zip(newer.pipeline.stages, bound.pipeline.stages)
        guard models.contains(where: { $0.model !== $1.model }) else { throw error }
        bound = newer
      }
    }
  }

  private func answer(
    _ request: InferRequest, by bound: BoundPipeline, arrival: UInt64
  ) async throws -> InferResponse {
    let targets = try sharedMemory.targets(of: request.outputs)
    let pipeline = bound.pipeline
    let inputs = try await work.run(ofBytes: request.convertedInputBytes) {
      try self.orderedInputs(of: request, declared: bound.inputs.map { DeclaredInput(name: $0.name) })
    }
    for (input, declared) in zip(inputs, bound.inputs) { try check(input, declared, request.model) }
    let names = pipeline.outputs.map(\.name)
    try checkOutputs(of: request, declared: names)
    let wanted = request.outputs.isEmpty ? names : request.outputs.map(\.name)
    var scheduled = ScheduledPipeline(
      pipeline: pipeline, inputs: inputs, outputs: wanted.compactMap { names.firstIndex(of: $0) },
      tenant: request.tenant, priority: try request.priority,
      deadline: try request.deadline(arrival: arrival), keepAlive: try request.duration("keep_alive"))
    let held = HeldBytes(bytes)
    scheduled.onOutputs = { try held.reserve($0) }
    let answer = try await scheduler.run(scheduled)
    for (stage, timing) in answer.stages {
      guard let model = pipeline.stages.first(where: { $0.name == stage })?.model else { continue }
      statistics.succeeded(
        model.name, model.version, timing: timing, inputNanoseconds: 0, outputNanoseconds: 0)
    }
    let whole = ScheduledAnswer(outputs: answer.outputs, timing: answer.timing)
    let outputs = try await work.run(ofBytes: request.convertedBytes(of: whole)) {
      try self.outputs(for: request, of: whole, targets: targets, held: held)
    }
    var response = respond(
      to: request, with: outputs, timing: answer.timing, model: pipeline.name, version: pipeline.version,
      arrival: arrival, held: held)
    guard request.flag("timing") else { return response }
    for (stage, timing) in answer.stages {
      for (name, value) in InferenceService.parameters(
        of: timing, total: timing.answered &- min(timing.admitted, timing.answered))
      {
        response.parameters["stages.\(stage).\(name)"] = value
      }
    }
    return response
  }

  private func check(_ tensor: Tensor, _ declared: TensorMetadata, _ name: String) throws {
    let fits =
      DataType(tensor.elementType)?.rawValue == declared.datatype
      && tensor.shape.rank == declared.shape.count
      && zip(tensor.shape.dims, declared.shape).allSatisfy { $1 == -1 || $0 == $1 }
    guard fits else {
      throw ServiceError(
        .invalidRequest,
        "pipeline '\(shown(name))': input '\(declared.name)' is \(declared.datatype)\(declared.shape), but a "
          + "\(DataType(tensor.elementType)?.rawValue ?? "")\(tensor.shape) was given")
    }
  }
}
