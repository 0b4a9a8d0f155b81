import EventLoopTasks
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import InferenceProtocol
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import ServiceLifecycle
import Serving

/// The server's HTTP side: the Open Inference Protocol with Triton's extensions, and what is FusedInf's own.
public struct HTTPFrontend: Service {
  private let service: InferenceService
  private let configuration: HTTPConfiguration

  public init(service: InferenceService, configuration: HTTPConfiguration) {
    self.service = service
    self.configuration = configuration
  }

  /// All that is answered.
  private var families: [any RouteFamily] {
    [
      ServerRoutes(),
      ModelRoutes(),
      InferRoutes(),
      RepositoryRoutes(),
      SharedMemoryRoutes(),
      FusedRoutes(),
      UnsupportedRoutes(),
      MetricsRoutes(),
      EventRoutes(),
      PageRoutes(),
    ]
  }

  /// Serves until it is told to shut down.
  public func run() async throws {
    let routes = Routes(service: service, configuration: configuration)
    for family in families { family.add(to: routes) }
    let responder = routes.responder()
    let (service, log) = (service, service.log)
    let connections = ConnectionLimit(configuration.maxConnections, trimHeap: configuration.trimHeap)
    let channel = InferenceChannel(
      configuration: configuration, account: service.bytes, connections: connections,
      countConnections: { change in service.telemetry.transport { $0.openConnections += change } },
      gate: { [configuration] address, head, hasBody in
        ConnectionState.Refusal(
          head, hasBody: hasBody, isLoopback: address?.isLoopback ?? false, access: service.access,
          origins: configuration.origins)
      }
    ) { address in
      let isLoopback = address?.isLoopback ?? false
      return { [configuration] head, body, held, arrival, writer in
        // It was admitted before, or it would not be here.
        let admission = try OriginRules.Admission(head, configuration.origins)
        let answer = HeldBytes(service.bytes)
        let context = HTTPContext(
          source: HTTPContext.Source(
            logger: log, isLocal: isLoopback && admission.isLocal, body: body, arrival: arrival, held: held,
            answer: answer))
        let request = Request(head, body)
        var response: Response
        let notes = RequestNotes(
          service: service, method: head.method.rawValue, requestBytes: body.readableBytes,
          identity: RequestIdentity.chosen(head.headers.first(name: "X-Request-Id")))
        do {
          response = try await RequestIdentity.$current.withValue(notes.identity) {
            try await responder.respond(to: request, context: context)
          }
          // The router's own answer to paths that it does not know.
          if response.status == .notFound, response.body.contentLength == 0 {
            response = Response(error: "there is nothing at this path", status: .notFound)
          }
        } catch { response = Response(error) }
        response.headers[.requestID] = notes.identity
        if configuration.origins.allowsOtherOrigins {
          CrossOrigin(admission: admission, request: request).mark(&response)
        }
        notes.answered(response, route: context.endpointPath)
        try await writer.write(response, holding: answer)
        withExtendedLifetime(held) {}
      }
    }
    let server = try self.server(channel)
    // Readers of events would stay until they leave.
    try await withGracefulShutdownHandler {
      try await server.run()
    } onGracefulShutdown: {
      service.events.close()
    }
  }

  private func server(_ inferenceChannel: InferenceChannel) throws -> any Service {
    let scheme = configuration.tls == nil ? "http" : "https"
    let announce: @Sendable (any Channel) async -> Void = { [log = service.log] channel in
      let connections = inferenceChannel.connections
      try? await channel.pipeline.addHandler(connections.handler(for: channel), position: .first)
      guard let address = channel.localAddress, let host = address.ipAddress, let port = address.port else {
        return
      }
      log.info("listening: HTTP at \(scheme)://\(host.contains(":") ? "[\(host)]" : host):\(port)")
    }
    let options = ServerConfiguration(
      address: .hostname(configuration.host, port: configuration.port), backlog: 1024)
    let loops = MultiThreadedEventLoopGroup.singleton
    guard let files = configuration.tls else {
      return inferenceChannel.server(
        configuration: options, onServerRunning: announce, eventLoopGroup: loops, logger: service.log)
    }
    let chain = try NIOSSLCertificate.fromPEMFile(files.certificateChain)
    let tls = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) },
      privateKey: .privateKey(try NIOSSLPrivateKey(file: files.privateKey, format: .pem)))
    return try TLSChannel(inferenceChannel, tlsConfiguration: tls)
      .server(configuration: options, onServerRunning: announce, eventLoopGroup: loops, logger: service.log)
  }
}

extension SocketAddress {
  /// The address is this machine's own.
  var isLoopback: Bool {
    switch self {
    case .v4: ipAddress?.hasPrefix("127.") == true
    case .v6: ipAddress == "::1" || ipAddress?.hasPrefix("::ffff:127.") == true
    case .unixDomainSocket: true
    }
  }
}
