import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Logging
import ServiceLifecycle
import Serving

/// Where and how the server listens for gRPC.
public struct GRPCConfiguration: Sendable {
  public var host = "127.0.0.1"
  /// 0: any that is free.
  public var port = 8001

  public init() {}
}

/// The server's gRPC side: `inference.GRPCInferenceService`, health and reflection.
public struct GRPCFrontend: Service {
  private let service: InferenceService
  private let configuration: GRPCConfiguration

  public init(service: InferenceService, configuration: GRPCConfiguration) {
    self.service = service
    self.configuration = configuration
  }

  /// Serves until it is told to shut down.
  public func run() async throws {
    let server = GRPCServer(
      transport: .http2NIOPosix(
        address: .ipv4(host: configuration.host, port: configuration.port), transportSecurity: .plaintext),
      services: [])
    try await withGracefulShutdownHandler {
      try await server.serve()
    } onGracefulShutdown: {
      server.beginGracefulShutdown()
    }
  }
}
