import Engine
import Foundation
import GRPCFrontend
import HTTPFrontend
import Kernels
import Logging
import ModelStore
import NIOPosix
import Repository
import ServiceLifecycle
import Serving
import Settings
import Telemetry

/// The parts of the server put together: engine, service, and the two transports.
struct InferenceServer {
  let settings: Settings
  let log: Logger

  init(settings: Settings) throws(SettingsError) {
    self.settings = settings
    // Before any other part makes a logger.
    LogFormat(rawValue: settings[.logFormat])?.bootstrap(
      level: Logger.Level(rawValue: settings[.logLevel]) ?? .info)
    log = Logger(label: "fusedinf")
    guard settings[.http] || settings[.grpc] else {
      throw SettingsError("--no-http and --no-grpc together leave nothing to serve")
    }
    guard (settings[.tlsCertificate] == nil) == (settings[.tlsKey] == nil) else {
      throw SettingsError("--tls-cert and --tls-key must be given together")
    }
  }

  /// Serves until a signal ends it.
  /// - Throws: what keeps it from starting.
  func run() async throws {
    // The process that compiles models folds constants as this one computes.
    setenv(Knob.subnormals.environment, settings[.subnormals].rawValue, 1)
    let engine = Engine(
      store: try ModelStore(directory: settings[.store]),
      device: try CPUDevice(subnormals: settings[.subnormals]),
      configuration: settings.engine)
    // Before the file is read: a change while the server starts is seen too.
    let keysSeen = settings[.keys].flatMap { FileStamp($0) }
    let access = AccessPolicy(
      rules: settings.access, keys: try settings[.keys].map { try APIKeyFile(reading: $0).keys })
    let descriptors = DescriptorLimit.raise()
    let ports = settings[.http] && settings[.grpc] ? 2 : 1
    let connections = DescriptorLimit.connections(
      of: descriptors, ports: ports, wanted: settings[.maxConnections])
    var configuration = settings.service
    configuration.maxOpenModels = DescriptorLimit.models(of: descriptors, connections: ports * connections)
    let service = InferenceService(engine: engine, configuration: configuration, access: access, log: log)
    try await service.readStore()
    if let repository = settings[.repository] {
      try await service.pipelines.refresh(directory: repository)
      await service.pipelines.check(service.catalog)
    }
    try await pin(settings[.pin], in: service)
    if connections < settings[.maxConnections] {
      log.warning(
        "the limit of open files allows fewer connections than --max-connections",
        metadata: ["open_files": "\(descriptors)", "connections_per_port": "\(connections)"])
    }
    var transports: [any Service] = []
    if settings[.http] {
      transports.append(
        Transport(
          HTTPFrontend(service: service, configuration: settings.http(connections: connections)),
          named: "HTTP",
          at: settings[.bind], settings[.httpPort], knob: Knob.httpPort.name))
    }
    if settings[.grpc] {
      transports.append(
        Transport(
          GRPCFrontend(service: service, configuration: settings.grpc(connections: connections)),
          named: "gRPC",
          at: settings[.bind], settings[.grpcPort], knob: Knob.grpcPort.name))
    }
    log.info(
      "serving",
      metadata: [
        "store": "\(settings[.store])", "budget": "\(ByteSize(bytes: settings[.budget]))",
        "models": "\(service.catalog.entries.count)",
      ])
    let group = ServiceGroup(
      services: [service.repository, service.integrity, Transports(transports: transports)], logger: log)
    let termination = Termination(timeout: settings[.drainTimeout], log: log) {
      service.readiness.end()
      Task { await group.triggerGracefulShutdown() }
    }
    // A client that goes away while it is written to, or a log that nobody reads any more, ends nothing.
    signal(SIGPIPE, SIG_IGN)
    // Otherwise a request and its answer would each wait for the end of a computing thread's turn.
    for loop in MultiThreadedEventLoopGroup.singleton.makeIterator() { loop.execute { takeShortTurns() } }
    let keys = settings[.keys].map { KeyFileWatch(path: $0, seen: keysSeen, policy: access, log: log) }
    let signals = Signals([
      SIGHUP: { keys?.reload() },
      SIGTERM: { termination.signalled("SIGTERM") }, SIGINT: { termination.signalled("SIGINT") },
    ])
    defer { withExtendedLifetime(signals) {} }
    try await group.run()
    await service.scheduler.drain()
    log.info("ended")
  }

  /// Has models pinned; those that the repository has yet to bring, when they come.
  private func pin(_ names: [String], in service: InferenceService) async throws {
    for name in names where service.catalog.entries[name] == nil {
      if service.catalog.isPipeline(name) {
        throw ServiceError(.invalidRequest, "--pin: '\(name)' is a pipeline; pin its models instead")
      }
      guard settings[.repository] != nil else {
        throw ServiceError(
          .notFound,
          "--pin: there is no model '\(name)' in the store '\(settings[.store])'; with --repository, a model added later "
            + "would be pinned")
      }
      log.warning(
        "the model does not exist yet; it will be pinned when it is added", metadata: ["model": "\(name)"])
    }
    try await service.pin(names)
  }
}

/// All transports at once: they start and stop together, and one that fails ends the others.
private struct Transports: Service {
  var transports: [any Service]

  func run() async throws {
    // Of the groups, the one that is cancelled by a task's error (`waitForAll` of the other waits for all the same).
    try await withThrowingDiscardingTaskGroup { group in
      for transport in transports { group.addTask { try await transport.run() } }
    }
  }
}
