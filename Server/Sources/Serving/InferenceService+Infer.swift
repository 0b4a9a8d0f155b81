import Executor
import Foundation
import InferenceProtocol
import Linker
import ModelStore
import Repository
import Scheduler
import Tensors

extension InferenceService {
  /// Runs one inference.
  ///
  /// Takes of the request's parameters: `priority` (1 first; 0 stands for the default level, 100), `timeout` (microseconds
  /// from its arrival), `keep_alive` (seconds, `5m`, or -1 for ever) and `timing` (true: the response's parameters say where the time went).
  /// - Throws: ``ServiceError``, whatever went wrong.
  public func infer(_ request: InferRequest) async throws(ServiceError) -> InferResponse {
    let (request, arrival) = begun(request, at: monotonicNanoseconds())
    do { return try await answer(request, arrival: arrival) } catch {
      throw failed(request, error, arrival: arrival)
    }
  }

  /// The request as it is counted from now on, and when it came.
  private func begun(_ request: InferRequest, at now: UInt64) -> (InferRequest, arrival: UInt64) {
    var request = request
    request.held = request.held ?? HeldBytes(bytes)
    return (request, min(request.arrival ?? now, now))
  }

  /// Counts a failure and tells the log of it.
  /// - Parameter version: of the model that was asked; `nil`: the one that the request names, or else the newest.
  /// - Returns: what the client is told.
  private func failed(
    _ request: InferRequest, _ error: any Error, version: Int? = nil, arrival: UInt64
  ) -> ServiceError {
    let failure = self.failure(error, model: request.model)
    doubt(request.model, version ?? request.version, error)
    count(failure, request.model, version ?? request.version, arrival: arrival)
    logFailure(request, failure, total: monotonicNanoseconds() - arrival)
    return failure
  }

  /// Notes a request for a model that ended before it could be asked for with ``infer(_:)``, since nobody waits for it any
  /// more. Other refusals of what was not asked for properly are no failures of a model.
  /// - Parameter arrival: in ``monotonicNanoseconds()``.
  public func ended(_ model: String, version: Int?, _ error: ServiceError, arrival: UInt64) {
    guard error.kind == .deadlineExceeded || error.kind == .cancelled else { return }
    count(error, model, version, arrival: arrival)
  }

  private func count(_ failure: ServiceError, _ model: String, _ version: Int?, arrival: UInt64) {
    // Of what there is alone: names and versions that a client makes up would be kept for ever.
    guard (try? catalog.checkKnown(model, version: version)) != nil,
      let version = version ?? catalog.entries[model]?.versions.last ?? pipelines.version(model)
    else { return }
    statistics.failed(model, version, nanoseconds: monotonicNanoseconds() - arrival)
    telemetry.failed(ModelVersion(model, version), failure.kind)
  }

  private func answer(_ request: InferRequest, arrival: UInt64) async throws -> InferResponse {
    if catalog.isPipeline(request.model) { return try await answer(pipeline: request, arrival: arrival) }
    let targets = try sharedMemory.targets(of: request.outputs)
    var model = try await catalog.model(request.model, version: request.version)
    while true {
      do {
        var scheduled = try await work.run(ofBytes: request.convertedInputBytes) { [model] in
          try self.scheduledRequest(request, for: model, arrival: arrival)
        }
        let held = HeldBytes(bytes)
        scheduled.onOutputs = { try held.reserve($0) }
        let answer = try await scheduler.run(scheduled)
        let outputs = try await work.run(ofBytes: request.convertedBytes(of: answer)) { [model] in
          try self.outputs(
            for: request, of: answer, declared: model.file.metadata.outputs, targets: targets, held: held)
        }
        return respond(
          to: request, with: outputs, timing: answer.timing, model: model.name, version: model.version,
          arrival: arrival, held: held)
      } catch let error as SchedulerError where error.kind == .draining {
        // It was closed in between: a newer version came, its file was opened again, or it is unloaded, which is said then.
        let newer = try await catalog.model(request.model, version: request.version)
        guard newer !== model else { throw error }
        model = newer
      }
    }
  }

  /// Runs several inferences as members of one program. Each is answered as soon as it is done.
  /// - Parameter onAnswer: called once for each request, on any thread.
  public func infer(
    together requests: [InferRequest],
    onAnswer: @escaping @Sendable (Int, Result<InferResponse, ServiceError>) -> Void
  ) async {
    struct Member: Sendable {
      let index: Int
      let request: InferRequest
      let arrival: UInt64
      let model: LinkableModel
      let targets: SharedMemoryTargets
      let held: HeldBytes
    }
    let now = monotonicNanoseconds()
    var members: [Member] = []
    var scheduled: [ScheduledRequest] = []
    let (alone, ask) = AsyncStream.makeStream(of: Int.self)
    for (index, request) in requests.enumerated() {
      // A pipeline is a request of its own.
      if catalog.isPipeline(request.model) {
        ask.yield(index)
        continue
      }
      let (request, arrival) = begun(request, at: now)
      do {
        let model = try await catalog.model(request.model, version: request.version)
        let member = Member(
          index: index, request: request, arrival: arrival, model: model,
          targets: try sharedMemory.targets(of: request.outputs), held: HeldBytes(bytes))
        var one = try scheduledRequest(request, for: model, arrival: arrival)
        one.onOutputs = { try member.held.reserve($0) }
        scheduled.append(one)
        members.append(member)
      } catch { onAnswer(index, .failure(failed(request, error, arrival: arrival))) }
    }
    async let others: Void = withTaskGroup { group in
      for await index in alone {
        group.addTask {
          let result: Result<InferResponse, ServiceError>
          do throws(ServiceError) { result = .success(try await self.infer(requests[index])) } catch {
            result = .failure(error)
          }
          onAnswer(index, result)
        }
      }
    }
    await scheduler.run(together: scheduled) { [members] position, result in
      let member = members[position]
      do {
        let answer = try result.get()
        let outputs = try self.outputs(
          for: member.request, of: answer, declared: member.model.file.metadata.outputs,
          targets: member.targets,
          held: member.held)
        onAnswer(
          member.index,
          .success(
            self.respond(
              to: member.request, with: outputs, timing: answer.timing, model: member.model.name,
              version: member.model.version, arrival: member.arrival, held: member.held)))
      } catch {
        // It was closed in between: it is asked for as by a request of its own, unless the client has gone.
        if (error as? SchedulerError)?.kind == .draining, case .enqueued = ask.yield(member.index) { return }
        let failure = self.failed(
          member.request, error, version: member.model.version, arrival: member.arrival)
        onAnswer(member.index, .failure(failure))
      }
    }
    ask.finish()
    await others
  }

  /// Has the files looked at that a failed run read.
  private func doubt(_ name: String, _ version: Int?, _ error: any Error) {
    let cause = (error as? PipelineError)?.underlying ?? error
    let stages = catalog.isPipeline(name) ? pipelines.models(of: name) : catalog.opened(name)
    for model in stages where version == nil || catalog.isPipeline(name) || model.version == version {
      integrity.failed(ModelVersion(model), cause)
    }
  }

  // MARK: In

  /// The request as the scheduler takes it: its tensors in the order of the model's inputs.
  /// - Throws: ``ServiceError`` for inputs and parameters that the model does not take.
  func scheduledRequest(
    _ request: InferRequest, for model: LinkableModel, arrival: UInt64
  ) throws -> ScheduledRequest {
    let inputs = try orderedInputs(of: request, declared: model.declaredInputs)
    try checkOutputs(of: request, declared: model.graph.outputs.map { model.graph[$0].name })
    try checkBatch(of: request, inputs)
    telemetry.noted(ModelVersion(model), inputs: inputs)
    return ScheduledRequest(
      model: model, inputs: inputs, tenant: request.tenant, priority: try request.priority,
      deadline: try request.deadline(arrival: arrival), keepAlive: try request.duration("keep_alive"))
  }

  /// - Throws: ``ServiceError`` for more rows than the model's `config.pbtxt` allows.
  private func checkBatch(of request: InferRequest, _ inputs: [Tensor]) throws {
    guard let limit = catalog.configuration(of: request.model)?.maxBatchSize, limit > 0,
      let rows = inputs.compactMap(\.shape.dims.first).max(), rows > limit
    else { return }
    throw ServiceError(
      .invalidRequest,
      "model '\(shown(request.model))' takes batches of at most \(limit), as its config.pbtxt says; \(rows) rows were given"
    )
  }

  /// The request's tensors in the order in which the model declares them. An optional that is left out is absent.
  /// - Throws: ``ServiceError`` when one is missing, unknown, there twice, or not what its datatype and shape say.
  func orderedInputs(of request: InferRequest, declared: [DeclaredInput]) throws -> [Tensor] {
    // Made for messages alone: most requests are right.
    var model: String { shown(request.model) }
    let given = Dictionary(request.inputs.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    guard given.count == request.inputs.count else {
      throw ServiceError(.invalidRequest, "model '\(model)': an input is given twice")
    }
    var names: String { InferenceService.list(declared.map(\.name)) }
    let count = declared.count
    if let unknown = request.inputs.first(where: { input in !declared.contains { $0.name == input.name } }) {
      throw ServiceError(
        .invalidRequest, "model '\(model)' has no input '\(shown(unknown.name))'; it has \(names)")
    }
    return try declared.map { declared in
      guard let input = given[declared.name] else {
        if declared.list?.mayBeAbsent ?? false { return try Tensor(list: nil) }
        throw ServiceError(
          .invalidRequest,
          "model '\(model)' needs \(count) inputs: \(names); '\(declared.name)' is missing")
      }
      let tensor = try tensor(of: input, for: request.model, holding: request.held)
      guard let list = declared.list else { return tensor }
      return try list.list(
        of: tensor, at: "model '\(model)': input '\(declared.name)'", holding: request.held)
    }
  }

  /// - Throws: ``ServiceError`` when an output is asked for that the model does not have, or twice.
  func checkOutputs(of request: InferRequest, declared: [String]) throws {
    var model: String { shown(request.model) }
    var names: Set<String> = []
    for output in request.outputs {
      guard declared.contains(output.name) else {
        throw ServiceError(
          .invalidRequest,
          "model '\(model)' has no output '\(shown(output.name))'; it has " + InferenceService.list(declared))
      }
      guard names.insert(output.name).inserted else {
        throw ServiceError(.invalidRequest, "model '\(model)': output '\(output.name)' is requested twice")
      }
    }
  }

  private func tensor(
    of input: NamedTensor, for model: String, holding held: HeldBytes?
  ) throws -> Tensor {
    var contents = input.contents
    if case .shared(let range) = contents {
      contents = try sharedMemory.tensor(
        range, datatype: input.datatype, shape: input.shape, holding: held)
    }
    switch contents {
    case .tensor(let tensor): return tensor
    case .strings(let strings):
      // A handle and a place for each text, and the bytes again.
      let bytes = BinaryTail.bytesOfStrings(strings.count, byteCount: strings.reduce(0) { $0 + $1.count })
      try held?.reserve(bytes)
      guard strings.count == input.shape.elementCount else { break }
      return try Tensor(bytesOf: strings, shape: input.shape)
    default: break
    }
    throw ServiceError(
      .invalidRequest, "model '\(shown(model))': input '\(input.name)' has other elements than its shape says"
    )
  }

  static func list(_ names: [String]) -> String { names.map { "'\($0)'" }.joined(separator: ", ") }

  // MARK: Out

  /// The outputs that were asked for, in that order. Sequences are one tensor each, or one for each element;
  /// maps are their scores and their keys.
  /// - Parameters:
  ///   - declared: the model's declarations of its outputs.
  ///   - targets: those of the request's outputs, taken before the run.
  ///   - held: the account of the answer's bytes.
  func outputs(
    for request: InferRequest, of answer: ScheduledAnswer, declared: [ModelMetadata.TensorDeclaration] = [],
    targets: SharedMemoryTargets, held: HeldBytes
  ) throws -> [NamedTensor] {
    let wanted =
      request.outputs.isEmpty
      ? answer.outputs.map { RequestedOutput(name: $0.name) } : request.outputs
    return try wanted.flatMap { wanted in
      guard let (name, tensor) = answer.outputs.first(where: { $0.name == wanted.name }) else {
        throw ServiceError(
          .failed, "model '\(shown(request.model))' gave no output '\(shown(wanted.name))'")
      }
      let declared = declared.first { $0.name == name }
      if tensor.elementType == .sequence {
        try held.reserve(tensor.memoryBytes)
        try held.reserve((tensor.list?.count ?? 0) * InferRequest.bytesOfTensor)
      } else if declared?.mapKeys == nil {
        return [try output(name, tensor, as: wanted, targets, held)]
      }
      // Of a map, another form is asked for of its scores.
      let isPlain = wanted.classCount == nil && wanted.shared == nil
      let parts = try declared?.served(tensor, withKeys: isPlain) ?? tensor.served(as: name)
      guard wanted.shared == nil || parts.count <= 1 else {
        throw ServiceError(
          .invalidRequest,
          "output '\(name)' is a sequence whose elements differ in shape, which shared memory cannot hold")
      }
      return try parts.map { part in
        var result = try output(part.name, part.tensor, as: wanted, targets, held)
        if part.name != name { result.sequence = name }
        return result
      }
    }
  }

  /// The response, which is counted and logged.
  /// - Parameter held: what the answer's bytes are counted in.
  func respond(
    to request: InferRequest, with outputs: [NamedTensor], timing: RequestTiming, model: String, version: Int,
    arrival: UInt64, held: HeldBytes
  ) -> InferResponse {
    let now = monotonicNanoseconds()
    telemetry.answered(ModelVersion(model, version), timing: timing)
    logAnswer(request, version: version, timing: timing, total: now - arrival)
    statistics.succeeded(
      model, version, timing: timing,
      inputNanoseconds: timing.admitted > arrival ? timing.admitted - arrival : 0,
      outputNanoseconds: now > timing.answered ? now - timing.answered : 0)
    var response = InferResponse(
      model: model, version: version, id: request.id,
      parameters: request.flag("timing")
        ? InferenceService.parameters(of: timing, total: now - arrival) : [:],
      outputs: outputs)
    response.held = held
    return response
  }

  private func output(
    _ name: String, _ tensor: Tensor, as wanted: RequestedOutput, _ targets: SharedMemoryTargets,
    _ held: HeldBytes
  ) throws -> NamedTensor {
    var result: NamedTensor
    if let count = wanted.classCount {
      try held.reserve(Classification.byteCount(of: tensor, count: count))
      result = try Classification(of: tensor, count: count).named(name)
    } else {
      guard let datatype = DataType(tensor.elementType) else {
        throw ServiceError(
          .unsupported, "output '\(name)' is \(tensor.elementType), for which the protocol has no datatype")
      }
      if tensor.elementType == .string {
        try held.reserve(
          BinaryTail.bytesOfStrings(tensor.shape.elementCount, byteCount: tensor.memoryBytes))
      }
      let strings = tensor.stringBytes
      if strings?.contains(where: { $0.count > UInt32.max }) ?? false {
        throw ServiceError(
          .unsupported, "output '\(name)' has a string of more bytes than the protocol can count")
      }
      result = NamedTensor(
        name: name, datatype: datatype, shape: tensor.shape,
        contents: strings.map { .strings($0) } ?? .tensor(tensor))
    }
    if let range = wanted.shared {
      result.contents = .shared(try targets.write(result, to: range))
    }
    return result
  }

  /// Returns the phases of a request's time, in microseconds, as the response's parameters.
  static func parameters(of timing: RequestTiming, total: UInt64) -> [String: Parameter] {
    func microseconds(_ nanoseconds: UInt64) -> Parameter { .double(Double(nanoseconds) / 1000) }
    return [
      "queue_us": microseconds(timing.queueNanoseconds),
      "swap_in_us": microseconds(timing.swapInNanoseconds),
      "compute_us": microseconds(timing.computeNanoseconds), "total_us": microseconds(total),
      "loaded_bytes": .int(Int64(timing.bytesLoaded)), "batch_size": .int(Int64(timing.batchSize)),
      "program_width": .int(Int64(timing.programWidth)),
    ]
  }
}

extension InferRequest {
  /// A whole number among the parameters.
  /// - Throws: ``ServiceError`` when it is something else.
  func integer(_ name: String) throws -> Int64? {
    switch parameters[name] {
    case nil: nil
    case .int(let value): value
    case .double(let value) where value.rounded() == value && abs(value) < 9e15: Int64(value)
    case .string(let text):
      if let value = Int64(text) {
        value
      } else {
        throw ServiceError(.invalidRequest, "'\(name)' is no whole number")
      }
    default: throw ServiceError(.invalidRequest, "'\(name)' is no whole number")
    }
  }

  /// The level of requests that name none, or 0, which stands for it in Triton's protocol.
  private static var defaultPriority: Int { 100 }

  /// A lower number goes first; 1 is the highest level.
  var priority: Int {
    get throws {
      guard let level = try integer("priority"), level != 0 else { return InferRequest.defaultPriority }
      guard level > 0 else {
        throw ServiceError(.invalidRequest, "'priority' must be a whole number from 0 on")
      }
      return Int(clamping: level)
    }
  }

  /// When the answer is worth nothing any more: `timeout` microseconds after the arrival.
  func deadline(arrival: UInt64) throws -> UInt64? {
    guard let microseconds = try integer("timeout"), microseconds > 0 else { return nil }
    let (nanoseconds, overflow) = UInt64(microseconds).multipliedReportingOverflow(by: 1000)
    let (deadline, late) = arrival.addingReportingOverflow(nanoseconds)
    return overflow || late ? nil : deadline
  }

  /// A duration among the parameters.
  /// - Throws: ``ServiceError`` when it is something else.
  func duration(_ name: String) throws -> Duration? {
    guard let parameter = parameters[name] else { return nil }
    return try Duration(parameter: parameter, named: name)
  }

  /// True when the parameter is given and true.
  func flag(_ name: String) -> Bool {
    switch parameters[name] {
    case .bool(let value): value
    case .int(let value): value != 0
    case .string(let text): ["1", "true", "yes", "on"].contains(text.lowercased())
    case .double, nil: false
    }
  }
}

extension Duration {
  /// A time that a model is kept, as a parameter gives it.
  /// - Throws: ``ServiceError`` when it is in none of the forms of `KeepAlive`.
  init(parameter: Parameter, named name: String) throws {
    let duration: Duration? =
      switch parameter {
      case .int(let value): KeepAlive.duration(seconds: Double(value))
      case .double(let value): KeepAlive.duration(seconds: value)
      case .string(let text): KeepAlive.duration(text)
      case .bool: nil
      }
    guard let duration else {
      throw ServiceError(.invalidRequest, "'\(name)' takes \(KeepAlive.forms)")
    }
    self = duration
  }
}
