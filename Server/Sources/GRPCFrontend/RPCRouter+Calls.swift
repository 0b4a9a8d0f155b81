import GRPCCore
import GRPCProtobuf
import Serving
import SwiftProtobuf

/// The parts of the server that every call needs.
struct CallHost: Sendable {
  let service: InferenceService
  let drain: Drain
  let configuration: GRPCConfiguration

  func call(_ metadata: Metadata, _ context: ServerContext) -> Call {
    Call(metadata: metadata, context: context, service: service, drain: drain)
  }

  /// Answers a call under its own identity, and counts how it ended.
  /// - Throws: `RPCError`, whatever went wrong.
  func answer<Result>(
    _ call: Call, _ route: String, _ body: () async throws -> Result
  ) async throws(RPCError) -> Result {
    let identity = RequestIdentity.chosen(call.metadata.first("x-request-id"))
    do {
      let result = try await RequestIdentity.$current.withValue(identity, operation: body)
      count(route, 0)
      return result
    } catch {
      let error = call.rpcError(error)
      count(route, error.code.rawValue)
      throw error
    }
  }

  private func count(_ route: String, _ status: Int) {
    service.telemetry.transport {
      $0.requests.add(TransportCounts.Route(transport: "grpc", route: route, status: status))
    }
  }
}

extension RPCRouter {
  /// Registers a call with one request and one answer, both messages of Protocol Buffers.
  mutating func unary<Request: SwiftProtobuf.Message, Response: SwiftProtobuf.Message>(
    _ method: String, of service: String, on host: CallHost,
    _ body: @escaping @Sendable (Request, Call) async throws -> Response
  ) {
    unary(
      method, of: service, on: host, from: CountedDeserializer<Request>(account: host.service.bytes),
      to: ProtobufSerializer<Response>()
    ) { (request: Counted<Request>, call: Call) in
      let response = try await body(request.message, call)
      withExtendedLifetime(request) {}
      return response
    }
  }

  /// Registers a call with one request and one answer.
  /// - Parameter kind: what a caller has to be known for before the request is read.
  mutating func unary<Request: Sendable, Response: Sendable>(
    _ method: String, of service: String, on host: CallHost, for kind: AccessAction.Kind = .look,
    from deserializer: some MessageDeserializer<Request>, to serializer: some MessageSerializer<Response>,
    _ body: @escaping @Sendable (Request, Call) async throws -> Response
  ) {
    let route = "\(service)/\(method)"
    registerHandler(
      forMethod: MethodDescriptor(fullyQualifiedService: service, method: method, type: .unary),
      deserializer: deserializer, serializer: serializer
    ) { request, context in
      let call = host.call(request.metadata, context)
      let response = try await host.answer(call, route) {
        try call.authenticate(kind)
        return try await body(ServerRequest(stream: request).message, call)
      }
      return StreamingServerResponse(single: ServerResponse(message: response))
    }
  }

  /// Registers a call that answers with a stream.
  /// - Parameters:
  ///   - kind: what a caller has to be known for before a request is read.
  ///   - body: writes the answers; the call ends when it returns.
  mutating func streaming<Request: Sendable, Response: Sendable>(
    _ method: String, of service: String, type: MethodDescriptor.RPCType, on host: CallHost,
    for kind: AccessAction.Kind = .look, from deserializer: some MessageDeserializer<Request>,
    to serializer: some MessageSerializer<Response>,
    _ body:
      @escaping @Sendable (RPCAsyncSequence<Request, any Error>, RPCWriter<Response>, Call) async throws ->
      Void
  ) {
    let route = "\(service)/\(method)"
    registerHandler(
      forMethod: MethodDescriptor(fullyQualifiedService: service, method: method, type: type),
      deserializer: deserializer, serializer: serializer
    ) { request, context in
      let call = host.call(request.metadata, context)
      return StreamingServerResponse { writer in
        try await host.answer(call, route) {
          try call.authenticate(kind)
          try await body(request.messages, writer, call)
        }
        return [:]
      }
    }
  }
}
