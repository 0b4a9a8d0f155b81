import Device
import Engine
import Foundation
import Linker
import Logging
import ModelCompiler
import ModelStore
import Testing

import Serving

/// Collects what is logged.
private struct Collector: LogHandler {
  let messages: Locked<[String]>
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.notice

  subscript(metadataKey key: String) -> Logger.MetadataValue? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) { messages.withLock { $0.append("\(event.message)") } }
}

@Suite(.timeLimit(.minutes(5))) struct ModelCatalogTests {
  @Test(
    "All who ask first for a model get one, compiled again once where it has to be; who goes away ends nothing"
  )
  func firstRequests() async throws {
    let folder = NSTemporaryDirectory() + "fusedinf-catalog-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let engine = Engine(
      store: try ModelStore(directory: folder), device: NullDevice(),
      configuration: EngineConfiguration(budget: 1 << 20, threads: 1))
    let examples = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../../examples")
    _ = try engine.models.add(
      examples.appendingPathComponent("add_sub.onnx").standardizedFileURL.path, name: "add_sub",
      options: CompilationOptions())
    let file = folder + "/models/add_sub/1/model.fused"
    try FileManager.default.removeItem(atPath: file)
    try Data("no model".utf8).write(to: URL(fileURLWithPath: file))
    let messages = Locked<[String]>([])
    let log = Logger(label: "test") { _ in Collector(messages: messages) }
    let service = InferenceService(engine: engine, configuration: ServiceConfiguration(), log: log)
    service.catalog.update("add_sub") { $0.versions = [1] }

    let asked = (0..<32).map { _ in Task { try await service.catalog.model("add_sub", version: nil) } }
    asked[0].cancel()
    var found: Set<ObjectIdentifier> = []
    for task in asked { found.insert(ObjectIdentifier(try await task.value)) }
    #expect(found.count == 1)
    let again = messages.withLock { $0.filter { $0.hasPrefix("compiling 'add_sub' again") } }
    #expect(again.count == 1)
  }

  @Test("Who comes after an opening that failed has it tried again")
  func failedOpening() async throws {
    let folder = NSTemporaryDirectory() + "fusedinf-catalog-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let engine = Engine(
      store: try ModelStore(directory: folder), device: NullDevice(),
      configuration: EngineConfiguration(budget: 1 << 20, threads: 1))
    let service = InferenceService(
      engine: engine, configuration: ServiceConfiguration(), log: Logger(label: "test"))
    service.catalog.update("add_sub") { $0.versions = [1] }
    let error = await #expect(throws: ServiceError.self) {
      try await service.catalog.model("add_sub", version: nil)
    }
    #expect(error?.kind == .notFound)
    let examples = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../../examples")
    _ = try engine.models.add(
      examples.appendingPathComponent("add_sub.onnx").standardizedFileURL.path, name: "add_sub",
      options: CompilationOptions())
    #expect(try await service.catalog.model("add_sub", version: 1).name == "add_sub")
  }
}
