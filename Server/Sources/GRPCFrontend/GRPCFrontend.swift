import EventLoopTasks
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Logging
import ServiceLifecycle
import Serving

/// The server's gRPC side: `inference.GRPCInferenceService`, health and reflection.
public struct GRPCFrontend: Service {
  private let service: InferenceService
  private let configuration: GRPCConfiguration

  public init(service: InferenceService, configuration: GRPCConfiguration) {
    self.service = service
    self.configuration = configuration
  }

  /// Serves until it is told to shut down; then takes no new connections and calls, and returns when what runs is done.
  /// Cancelling it cancels what runs.
  public func run() async throws {
    let drain = Drain()
    let host = CallHost(service: service, drain: drain, configuration: configuration)
    let server = GRPCServer(
      transport: configuration.transport(service.bytes),
      services: [
        InferenceCalls(host: host), FusedCalls(host: host),
        HealthCalls(services: [InferenceCalls.name, FusedCalls.name], host: host),
        ReflectionCalls(
          catalog: try DescriptorCatalog(),
          services: [InferenceCalls.name, FusedCalls.name, HealthCalls.name] + ReflectionCalls.names,
          host: host),
      ])
    try await withTaskCancellationHandler {
      try await withGracefulShutdownHandler {
        // Not awaited: a server that is stopped before it listens never has an address.
        Task { await announce(server) }
        try await withTaskExecutorPreference(AnyEventLoopExecutor()) { try await server.serve() }
      } onGracefulShutdown: {
        drain.begin()
        server.beginGracefulShutdown()
      }
    } onCancel: {
      drain.end()
    }
  }

  /// Logs the address, as soon as there is one.
  private func announce(_ server: GRPCServer<HTTP2ServerTransport.Posix>) async {
    guard let address = try? await server.transport.listeningAddress else { return }
    if let ip = address.ipv4 { service.log.info("listening: gRPC at \(ip.host):\(ip.port)") }
    if let ip = address.ipv6 { service.log.info("listening: gRPC at [\(ip.host)]:\(ip.port)") }
  }
}
