import ArgumentParser
import Engine
import Foundation
import GRPCFrontend
import HTTPFrontend
import Kernels
import Logging
import ModelStore
import ServiceLifecycle
import Serving

/// The server's program.
@main
struct ServerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fusedinf-server", abstract: "Serves models over HTTP and gRPC.")

  @Option var store: String
  @Option var budget: Int = 1 << 30
  @Option var httpPort: Int = 8000
  @Option var grpcPort: Int = 8001

  func run() async throws {
    let log = Logger(label: "fusedinf")
    let engine = Engine(
      store: try ModelStore(directory: store), device: try CPUDevice(),
      configuration: EngineConfiguration(
        budget: budget, threads: ProcessInfo.processInfo.activeProcessorCount))
    let service = InferenceService(engine: engine, configuration: ServiceConfiguration(), log: log)
    try await service.catalog.refresh()
    var http = HTTPConfiguration()
    http.port = httpPort
    var grpc = GRPCConfiguration()
    grpc.port = grpcPort
    let group = ServiceGroup(
      services: [
        HTTPFrontend(service: service, configuration: http),
        GRPCFrontend(service: service, configuration: grpc),
      ], gracefulShutdownSignals: [.sigterm, .sigint], logger: log)
    try await group.run()
  }
}
