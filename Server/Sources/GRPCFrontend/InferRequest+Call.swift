import GRPCMessages
import InferenceProtocol
import Serving
import Tensors

extension InferRequest {
  /// A request as it came over gRPC.
  /// - Parameter tenant: who asks.
  /// - Throws: ``ServiceError`` when it contradicts itself.
  init(_ call: InferCall, tenant: String) throws {
    let message = call.message
    let shared = try message.inputs.map {
      try SharedMemoryRange($0.parameters, of: "input '\(shown($0.name))'")
    }
    let rawCount = shared.count { $0 == nil }
    guard call.raw.isEmpty || call.raw.count == rawCount else {
      throw ServiceError(
        .invalidRequest,
        "raw_input_contents has \(call.raw.count) entries, but \(rawCount) inputs are not in shared memory; "
          + "give all of them there, or none")
    }
    var raw = call.raw.makeIterator()
    self.init(
      model: message.modelName, version: try Int(modelVersion: message.modelVersion), id: message.id,
      parameters: message.parameters.compactMapValues(Parameter.init),
      inputs: try zip(message.inputs, shared).map { input, shared in
        try NamedTensor(input, shared: shared, raw: shared == nil ? raw.next() : nil)
      },
      outputs: try message.outputs.map { try RequestedOutput($0) }, tenant: tenant)
    try refuseSequences()
  }

  /// Models here keep no state between requests.
  private mutating func refuseSequences() throws {
    switch parameters["sequence_id"] {
    case nil, .int(0), .string(""), .string("0"): break
    default:
      throw ServiceError(
        .invalidRequest, "model '\(shown(model))' keeps no state between requests: leave sequence_id out")
    }
    for name in ["sequence_id", "sequence_start", "sequence_end"] { parameters[name] = nil }
  }
}

extension Int {
  /// A model's version as requests name it.
  /// - Returns: `nil` for the newest, which an empty text asks for.
  /// - Throws: ``ServiceError`` when it is no number.
  init?(modelVersion text: String) throws(ServiceError) {
    if text.isEmpty { return nil }
    guard let version = Int(text) else {
      throw ServiceError(.invalidRequest, "'\(shown(text))' is no version: a whole number is")
    }
    self = version
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

extension SharedMemoryRange {
  /// The part of a region that an input or output says it is in; `nil` when it is in none.
  /// - Throws: ``ServiceError`` when region, offset and size are not all there, or are no sizes.
  init?(_ parameters: [String: Inference_InferParameter], of tensor: String) throws {
    guard let region = parameters["shared_memory_region"] else { return nil }
    guard case .stringParam(let name) = region.parameterChoice else {
      throw ServiceError(.invalidRequest, "\(tensor): shared_memory_region is no text")
    }
    self.init(
      region: name, offset: try parameters.size("shared_memory_offset", of: tensor) ?? 0,
      byteCount: try {
        guard let count = try parameters.size("shared_memory_byte_size", of: tensor) else {
          throw ServiceError(.invalidRequest, "\(tensor): shared_memory_byte_size is missing")
        }
        return count
      }())
  }
}

extension [String: Inference_InferParameter] {
  /// A whole number, not negative; `nil` when the parameter is left out.
  fileprivate func size(_ name: String, of tensor: String) throws -> Int? {
    guard let parameter = self[name] else { return nil }
    switch Parameter(parameter) {
    case .int(let value) where value >= 0: return Int(value)
    default: throw ServiceError(.invalidRequest, "\(tensor): \(name) is no size")
    }
  }
}

extension RequestedOutput {
  init(_ message: Inference_ModelInferRequest.InferRequestedOutputTensor) throws {
    let what = "output '\(shown(message.name))'"
    let classes = try message.parameters.size("classification", of: what)
    self.init(
      name: message.name, classCount: classes == 0 ? nil : classes,
      shared: try SharedMemoryRange(message.parameters, of: what))
  }
}
