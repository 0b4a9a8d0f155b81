import Hummingbird
import Logging
import ServiceLifecycle
import Serving

/// Where and how the server listens for HTTP.
public struct HTTPConfiguration: Sendable {
  public var host = "127.0.0.1"
  /// 0: any that is free.
  public var port = 8000

  public init() {}
}

/// The server's HTTP side: the Open Inference Protocol with Triton's extensions, and what is FusedInf's own.
public struct HTTPFrontend: Service {
  private let service: InferenceService
  private let configuration: HTTPConfiguration

  public init(service: InferenceService, configuration: HTTPConfiguration) {
    self.service = service
    self.configuration = configuration
  }

  /// Serves until it is told to shut down.
  public func run() async throws {
    let router = Router()
    router.get("v2/health/live") { _, _ in HTTPResponse.Status.ok }
    let application = Application(
      router: router,
      configuration: .init(address: .hostname(configuration.host, port: configuration.port)),
      logger: service.log)
    try await application.runService()
  }
}
