import Executor
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
    registerRepository(with: &router)
    registerSharedMemory(with: &router)
    registerRefused(with: &router)
    router.unary(
      "ModelInfer", of: Self.name, on: host, for: .infer,
      from: InferCallDeserializer(account: host.service.bytes),
      to: WireSerializer()
    ) { (call: InferCall, context: Call) in
      let request = try context.inferRequest(call)
      return try await context.drain.run { try WireMessage(await context.service.infer(request)) }
    }
    router.streaming(
      "ModelStreamInfer", of: Self.name, type: .bidirectionalStreaming, on: host, for: .infer,
      from: InferCallDeserializer(account: host.service.bytes), to: WireSerializer()
    ) { [configuration = host.configuration] requests, writer, call in
      try await call.answerEach(
        of: requests, atATime: configuration.maxRequestsInFlightPerStream, through: writer)
    }
  }

  private func registerServer<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    router.unary("ServerLive", of: Self.name, on: host) { (_: Inference_ServerLiveRequest, call) in
      _ = try call.authorize(.look)
      return Inference_ServerLiveResponse.with { $0.live = true }
    }
    router.unary("ServerReady", of: Self.name, on: host) { (_: Inference_ServerReadyRequest, call) in
      _ = try call.authorize(.look)
      return Inference_ServerReadyResponse.with { $0.ready = call.isReady }
    }
    router.unary("ServerMetadata", of: Self.name, on: host) { (_: Inference_ServerMetadataRequest, call) in
      _ = try call.authorize(.look)
      return Inference_ServerMetadataResponse(call.service.metadata)
    }
  }

  private func registerModels<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    router.unary("ModelReady", of: Self.name, on: host) { (request: Inference_ModelReadyRequest, call) in
      _ = try call.authorize(.look)
      let version = try Int(modelVersion: request.version)
      return Inference_ModelReadyResponse.with {
        $0.ready = call.isReady && call.service.catalog.isReady(request.name, version: version)
      }
    }
    router.unary("ModelMetadata", of: Self.name, on: host) {
      (request: Inference_ModelMetadataRequest, call) in
      _ = try call.authorize(.read)
      return Inference_ModelMetadataResponse(
        try await call.service.metadata(of: request.name, version: Int(modelVersion: request.version)))
    }
    router.unary("ModelConfig", of: Self.name, on: host) { (request: Inference_ModelConfigRequest, call) in
      _ = try call.authorize(.read)
      let config = try await call.service.modelConfig(
        of: request.name, version: Int(modelVersion: request.version))
      return Inference_ModelConfigResponse.with { $0.config = Inference_ModelConfig(config) }
    }
    router.unary("ModelStatistics", of: Self.name, on: host) {
      (request: Inference_ModelStatisticsRequest, call) in
      _ = try call.authorize(.read)
      let name = request.name.isEmpty ? nil : request.name
      let version = try Int(modelVersion: request.version)
      if let name { try call.service.catalog.checkKnown(name, version: version) }
      return Inference_ModelStatisticsResponse.with {
        $0.modelStats = call.service.statistics.messages(model: name, version: version)
          .map(Inference_ModelStatistics.init)
      }
    }
  }
}

extension Call {
  /// The request of an inference: who asks, and until when it matters, are in it.
  func inferRequest(_ call: InferCall) throws -> InferRequest {
    let tenant = try authorize(.infer(model: call.message.modelName))
    var request = try InferRequest(call, tenant: tenant)
    do throws(ServiceError) {
      if let timeout = try microsecondsLeft(besides: request.parameters["timeout"]) {
        request.parameters["timeout"] = .int(timeout)
      }
    } catch {
      service.ended(request.model, version: request.version, error, arrival: monotonicNanoseconds())
      throw error
    }
    return request
  }
}
