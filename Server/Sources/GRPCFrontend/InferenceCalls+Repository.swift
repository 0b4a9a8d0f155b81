import GRPCCore
import GRPCMessages
import InferenceProtocol
import Serving

extension InferenceCalls {
  /// Triton's model repository extension.
  func registerRepository<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    router.unary("RepositoryIndex", of: Self.name, on: host) {
      (request: Inference_RepositoryIndexRequest, call) in
      _ = try call.authorize(.read)
      let index = await call.service.repositoryIndex(onlyReady: request.ready)
      return Inference_RepositoryIndexResponse.with {
        $0.models = index.map { entry in
          .with {
            $0.name = entry.name
            $0.version = entry.version
            $0.state = entry.state.rawValue
            $0.reason = entry.reason
          }
        }
      }
    }
    router.unary("RepositoryModelLoad", of: Self.name, on: host) {
      (request: Inference_RepositoryModelLoadRequest, call) in
      _ = try call.authorize(.administer)
      try await call.service.load(
        request.modelName, parameters: request.parameters.compactMapValues(Parameter.init),
        files: request.parameters.compactMapValues(\.file))
      return Inference_RepositoryModelLoadResponse()
    }
    router.unary("RepositoryModelUnload", of: Self.name, on: host) {
      (request: Inference_RepositoryModelUnloadRequest, call) in
      _ = try call.authorize(.administer)
      try await call.service.unload(
        request.modelName, dependents: request.parameters["unload_dependents"]?.boolParam ?? false)
      return Inference_RepositoryModelUnloadResponse()
    }
  }
}

extension Parameter {
  /// `nil` for a file, and for a parameter without a value.
  fileprivate init?(_ message: Inference_ModelRepositoryParameter) {
    switch message.parameterChoice {
    case .boolParam(let value): self = .bool(value)
    case .int64Param(let value): self = .int(value)
    case .stringParam(let value): self = .string(value)
    case .bytesParam, nil: return nil
    }
  }
}

extension Inference_ModelRepositoryParameter {
  /// The bytes of a file.
  fileprivate var file: [UInt8]? {
    guard case .bytesParam(let bytes) = parameterChoice else { return nil }
    return [UInt8](bytes)
  }
}
