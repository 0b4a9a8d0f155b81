import GRPCCore
import GRPCMessages
import GRPCProtobuf
import SwiftProtobuf

/// `grpc.reflection`: what the server serves, and the descriptors of it, for clients that have none of their own.
struct ReflectionCalls: RegistrableRPCService {
  /// The same messages under both names.
  static let names = ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"]
  let catalog: DescriptorCatalog
  /// The services that are there.
  let services: [String]
  let host: CallHost

  func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    for name in Self.names {
      router.streaming(
        "ServerReflectionInfo", of: name, type: .bidirectionalStreaming, on: host,
        from: ProtobufDeserializer<Request>(), to: ProtobufSerializer<Response>()
      ) { requests, writer, call in
        _ = try call.authorize(.look)
        for try await request in requests { try await writer.write(answer(to: request)) }
      }
    }
  }

  typealias Request = Grpc_Reflection_V1_ServerReflectionRequest
  typealias Response = Grpc_Reflection_V1_ServerReflectionResponse

  func answer(to request: Request) -> Response {
    .with {
      $0.validHost = request.host
      $0.originalRequest = request
      switch request.messageRequest {
      case .listServices:
        $0.listServicesResponse.service = services.map { name in .with { $0.name = name } }
      case .fileByFilename(let name): $0.messageResponse = files(catalog.files(named: name))
      case .fileContainingSymbol(let symbol): $0.messageResponse = files(catalog.files(defining: symbol))
      case .allExtensionNumbersOfType(let type) where catalog.files(defining: type) != nil:
        $0.allExtensionNumbersResponse.baseTypeName = type
      // None of the messages has extensions.
      case .fileContainingExtension, .allExtensionNumbersOfType: $0.messageResponse = files(nil)
      case nil:
        $0.errorResponse = .with {
          $0.errorCode = Int32(Status.Code.invalidArgument.rawValue)
          $0.errorMessage = "the request is empty"
        }
      }
    }
  }

  private func files(_ files: [[UInt8]]?) -> Response.OneOf_MessageResponse {
    guard let files else {
      return .errorResponse(
        .with {
          $0.errorCode = Int32(Status.Code.notFound.rawValue)
          $0.errorMessage = "there is no such file, symbol or extension"
        })
    }
    return .fileDescriptorResponse(.with { $0.fileDescriptorProto = files.map { .init($0) } })
  }
}
