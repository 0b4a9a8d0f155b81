import GRPCCore
import GRPCProtobuf
import Serving
import SwiftProtobuf

/// What every call needs of the server.
struct CallHost: Sendable {
  let service: InferenceService
  let drain: Drain
  let configuration: GRPCConfiguration

  func call(_ metadata: Metadata, _ context: ServerContext) -> Call {
    Call(metadata: metadata, context: context, service: service, drain: drain)
  }
}

extension RPCRouter {
  /// Registers a call with one request and one answer, both messages of Protocol Buffers.
  mutating func unary<Request: SwiftProtobuf.Message, Response: SwiftProtobuf.Message>(
    _ method: String, of service: String, on host: CallHost,
    _ body: @escaping @Sendable (Request, Call) async throws -> Response
  ) {
    unary(
      method, of: service, on: host, from: ProtobufDeserializer<Request>(),
      to: ProtobufSerializer<Response>(),
      body)
  }

  /// Registers a call with one request and one answer.
  mutating func unary<Request: Sendable, Response: Sendable>(
    _ method: String, of service: String, on host: CallHost,
    from deserializer: some MessageDeserializer<Request>, to serializer: some MessageSerializer<Response>,
    _ body: @escaping @Sendable (Request, Call) async throws -> Response
  ) {
    registerHandler(
      forMethod: MethodDescriptor(fullyQualifiedService: service, method: method, type: .unary),
      deserializer: deserializer, serializer: serializer
    ) { request, context in
      let single = try await ServerRequest(stream: request)
      let call = host.call(single.metadata, context)
      do {
        let response = try await body(single.message, call)
        return StreamingServerResponse(single: ServerResponse(message: response))
      } catch { throw call.rpcError(error) }
    }
  }

  /// Registers a call that answers with a stream.
  /// - Parameter body: writes the answers; the call ends when it returns.
  mutating func streaming<Request: Sendable, Response: Sendable>(
    _ method: String, of service: String, type: MethodDescriptor.RPCType, on host: CallHost,
    from deserializer: some MessageDeserializer<Request>, to serializer: some MessageSerializer<Response>,
    _ body:
      @escaping @Sendable (RPCAsyncSequence<Request, any Error>, RPCWriter<Response>, Call) async throws ->
      Void
  ) {
    registerHandler(
      forMethod: MethodDescriptor(fullyQualifiedService: service, method: method, type: type),
      deserializer: deserializer, serializer: serializer
    ) { request, context in
      let call = host.call(request.metadata, context)
      return StreamingServerResponse { writer in
        do {
          try await body(request.messages, writer, call)
          return [:]
        } catch { throw call.rpcError(error) }
      }
    }
  }
}
