import GRPCCore
import GRPCMessages
import InferenceProtocol
import Serving

/// `inference.GRPCInferenceService`.
struct InferenceCalls: RegistrableRPCService {
  static let name = "inference.GRPCInferenceService"
  let host: CallHost

  func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    registerServer(with: &router)
    registerModels(with: &router)
    router.unary(
      "ModelInfer", of: Self.name, on: host, from: InferCallDeserializer(), to: WireSerializer()
    ) { (call: InferCall, context: Call) in
      let request = try context.inferRequest(call)
      return try await context.drain.run { try WireMessage(await context.service.infer(request)) }
    }
  }

  private func registerServer<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    router.unary("ServerLive", of: Self.name, on: host) { (_: Inference_ServerLiveRequest, call) in
      _ = try call.authorize(.look)
      return Inference_ServerLiveResponse.with { $0.live = true }
    }
    router.unary("ServerReady", of: Self.name, on: host) { (_: Inference_ServerReadyRequest, call) in
      _ = try call.authorize(.look)
      return Inference_ServerReadyResponse.with { $0.ready = !call.drain.isDraining }
    }
    router.unary("ServerMetadata", of: Self.name, on: host) { (_: Inference_ServerMetadataRequest, call) in
      _ = try call.authorize(.look)
      return Inference_ServerMetadataResponse(call.service.metadata)
    }
  }

  private func registerModels<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    router.unary("ModelReady", of: Self.name, on: host) { (request: Inference_ModelReadyRequest, call) in
      _ = try call.authorize(.read)
      let version = try Int(modelVersion: request.version)
      return Inference_ModelReadyResponse.with {
        $0.ready = !call.drain.isDraining && call.service.catalog.isReady(request.name, version: version)
      }
    }
    router.unary("ModelMetadata", of: Self.name, on: host) {
      (request: Inference_ModelMetadataRequest, call) in
      _ = try call.authorize(.read)
      return Inference_ModelMetadataResponse(
        try await call.service.metadata(of: request.name, version: Int(modelVersion: request.version)))
    }
  }
}

extension Call {
  /// The request of an inference: who asks, and until when it matters, are in it.
  func inferRequest(_ call: InferCall) throws -> InferRequest {
    let tenant = try authorize(.infer(model: call.message.modelName))
    var request = try InferRequest(call, tenant: tenant)
    if let timeout = try microsecondsLeft(besides: request.parameters["timeout"]) {
      request.parameters["timeout"] = .int(timeout)
    }
    return request
  }
}
