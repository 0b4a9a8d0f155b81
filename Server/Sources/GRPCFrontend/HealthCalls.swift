import GRPCCore
import GRPCMessages
import GRPCProtobuf

/// `grpc.health.v1.Health`: of the server, and of each service on it.
struct HealthCalls: RegistrableRPCService {
  static let name = "grpc.health.v1.Health"
  /// The services that are asked about by name; the empty name is the server.
  let services: Set<String>
  let host: CallHost

  func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    let services = services
    router.unary("Check", of: Self.name, on: host) { (request: Grpc_Health_V1_HealthCheckRequest, call) in
      _ = try call.authorize(.look)
      guard request.service.isEmpty || services.contains(request.service) else {
        throw RPCError(code: .notFound, message: "there is no such service")
      }
      return Grpc_Health_V1_HealthCheckResponse(call)
    }
    router.streaming(
      "Watch", of: Self.name, type: .serverStreaming, on: host,
      from: ProtobufDeserializer<Grpc_Health_V1_HealthCheckRequest>(),
      to: ProtobufSerializer<Grpc_Health_V1_HealthCheckResponse>()
    ) { requests, writer, call in
      _ = try call.authorize(.look)
      var iterator = requests.makeAsyncIterator()
      guard let request = try await iterator.next() else { return }
      let isKnown = request.service.isEmpty || services.contains(request.service)
      try await writer.write(
        isKnown ? Grpc_Health_V1_HealthCheckResponse(call) : .with { $0.status = .serviceUnknown })
      // The only change there is: the server shuts down, which gRPC says by cancelling the call. A client that is gone
      // and a deadline that has passed do the same.
      try await call.context.cancellation.cancelled
      guard call.drain.isDraining else { throw CancellationError() }
      if isKnown { try await writer.write(Grpc_Health_V1_HealthCheckResponse(call)) }
    }
  }
}

extension Grpc_Health_V1_HealthCheckResponse {
  fileprivate init(_ call: Call) {
    self = .with { $0.status = call.isReady ? .serving : .notServing }
  }
}
