import GRPCMessages
import InferenceProtocol
import Serving
import Tensors

extension InferRequest {
  /// A request as it came over gRPC.
  /// - Parameter tenant: who asks.
  /// - Throws: ``ServiceError`` when it contradicts itself.
  package init(_ call: InferCall, tenant: String) throws {
    let message = call.message
    let shared = try message.inputs.map { input in
      try SharedMemoryRange(input.parameters.compactMapValues(Parameter.init), of: shown(input.name))
    }
    let rawCount = shared.count { $0 == nil }
    guard call.raw.isEmpty || call.raw.count == rawCount else {
      throw ServiceError(
        .invalidRequest,
        "raw_input_contents has \(call.raw.count) entries, but \(rawCount) inputs are not in shared memory; "
          + "use it for all of them or for none")
    }
    var raw = call.raw.makeIterator()
    self.init(
      model: message.modelName, version: try Int(modelVersion: message.modelVersion), id: message.id,
      parameters: message.parameters.compactMapValues(Parameter.init),
      inputs: try zip(message.inputs, shared).map { input, shared in
        try NamedTensor(
          input, shared: shared, raw: shared == nil ? raw.next() : nil, holding: call.held)
      },
      outputs: try message.outputs.map { try RequestedOutput($0) }, tenant: tenant)
    held = call.held
    try checkStateless()
  }
}

extension Parameter {
  /// `nil` for a parameter without a value.
  init?(_ message: Inference_InferParameter) {
    switch message.parameterChoice {
    case .boolParam(let value): self = .bool(value)
    case .int64Param(let value): self = .int(value)
    case .uint64Param(let value): self = .int(Int64(clamping: value))
    case .doubleParam(let value): self = .double(value)
    case .stringParam(let value): self = .string(value)
    case nil: return nil
    }
  }
}

extension Inference_InferParameter {
  init(_ parameter: Parameter) {
    self = .with {
      switch parameter {
      case .bool(let value): $0.boolParam = value
      case .int(let value): $0.int64Param = value
      case .double(let value): $0.doubleParam = value
      case .string(let value): $0.stringParam = value
      }
    }
  }
}

extension RequestedOutput {
  /// - Throws: ``ServiceError`` for parameters that are not what they have to be.
  init(_ message: Inference_ModelInferRequest.InferRequestedOutputTensor) throws {
    let parameters = message.parameters.compactMapValues(Parameter.init)
    var classes: Int?
    switch parameters["classification"] {
    case nil, .int(0): break
    case .int(let count) where count > 0: classes = Int(count)
    default:
      throw ServiceError(
        .invalidRequest, "output '\(shown(message.name))': 'classification' is not a number of classes")
    }
    self.init(
      name: message.name, classCount: classes,
      shared: try SharedMemoryRange(parameters, of: shown(message.name)))
  }
}
