import Device
import Engine
import Foundation
import Linker
import Logging
import ModelCompiler
import ModelStore
import Serving
import Testing

/// Bytes of a model with a chain of operators, in protobuf's wire format
/// (`https://protobuf.dev/programming-guides/encoding/`).
private func chain(_ count: Int) -> Data {
  func varint(_ value: Int) -> [UInt8] {
    value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7f) | 0x80] + varint(value >> 7)
  }
  func field(_ number: Int, _ value: Int) -> [UInt8] { varint(number << 3) + varint(value) }
  func field(_ number: Int, _ bytes: [UInt8]) -> [UInt8] {
    varint(number << 3 | 2) + varint(bytes.count) + bytes
  }
  func field(_ number: Int, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }
  func value(_ name: String) -> [UInt8] {
    let shape = field(1, field(1, 4))
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, shape)))
  }
  let nodes = (0..<count).flatMap {
    field(1, field(1, "v\($0)") + field(2, "v\($0 + 1)") + field(4, $0 % 2 == 0 ? "Sin" : "Cos"))
  }
  let graph = nodes + field(2, "chain") + field(11, value("v0")) + field(12, value("v\(count)"))
  return Data(field(1, 8) + field(7, graph) + field(8, field(2, 17)))
}

/// A server whose opened models take the room that they may, all of them small and idle, and which has another, large one.
private struct CrowdedCatalog {
  private let folder = NSTemporaryDirectory() + "fusedinf-cache-\(UUID().uuidString)"
  let service: InferenceService
  private(set) var small = 0

  var large: String { folder + "/models/large/1/model.fused" }

  /// - Parameter nodes: the size of the large model, which would have room thrice.
  init(nodes: Int, maxOpen: Int = .max) async throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let store = try ModelStore(directory: folder)
    let source = folder + "/chain.onnx"
    let models = ModelRepository(store: store, device: NullDevice())
    try chain(nodes).write(to: URL(fileURLWithPath: source))
    _ = try models.add(source, name: "large", options: CompilationOptions())
    try chain(2).write(to: URL(fileURLWithPath: source))
    _ = try models.add(source, name: "small-1", options: CompilationOptions())
    let large = try models.open("large").footprint
    let each = try models.open("small-1").footprint
    small = 3 * large / each
    for index in 2...small {
      _ = try models.add(source, name: "small-\(index)", options: CompilationOptions())
    }
    let engine = Engine(
      store: store, device: NullDevice(),
      configuration: EngineConfiguration(
        budget: 1 << 20, threads: 1, modelCacheBytes: small * each + each / 2))
    var configuration = ServiceConfiguration()
    configuration.maxOpenModels = maxOpen
    service = InferenceService(engine: engine, configuration: configuration, log: Logger(label: "test"))
    try await service.readStore()
    for index in 1...small { _ = try await service.catalog.model("small-\(index)", version: nil) }
  }

  var openCount: Int { (1...small).count(where: { !service.catalog.opened("small-\($0)").isEmpty }) }

  func end() { try? FileManager.default.removeItem(atPath: folder) }
}

/// Room for the graphs of opened models (`--model-cache`).
@Suite(.timeLimit(.minutes(5))) struct ModelCacheTests {
  /// As many small models are closed as a large one needs, and some that were used last stay open.
  @Test func aLargeModelFindsRoomAmongManySmallOnes() async throws {
    let models = try await CrowdedCatalog(nodes: 500)
    defer { models.end() }
    try #require(models.small > 180)
    #expect(models.openCount == models.small)
    #expect(try await models.service.catalog.model("large", version: nil).name == "large")
    #expect(models.openCount >= 1)
    #expect(!models.service.catalog.opened("small-\(models.small)").isEmpty)
    #expect(models.service.catalog.opened("small-1").isEmpty)
  }

  /// Each open model keeps a file open: no more stay so than were allowed, and those are the ones used last.
  @Test func noMoreModelsStayOpenThanFilesMay() async throws {
    let models = try await CrowdedCatalog(nodes: 30, maxOpen: 4)
    defer { models.end() }
    try #require(models.small > 8)
    #expect(models.openCount == 4)
    let last = (models.small - 3)...models.small
    #expect(last.allSatisfy { !models.service.catalog.opened("small-\($0)").isEmpty })
    // One that was closed is opened again, and the one used longest ago gives way.
    #expect(try await models.service.catalog.model("small-1", version: nil).name == "small-1")
    #expect(models.openCount == 4)
    #expect(models.service.catalog.opened("small-\(models.small - 3)").isEmpty)
  }

  /// One that is compiled again finds room as others do.
  @Test func aModelThatIsCompiledAgainFindsRoom() async throws {
    let models = try await CrowdedCatalog(nodes: 30)
    defer { models.end() }
    try FileManager.default.removeItem(atPath: models.large)
    try Data("no model".utf8).write(to: URL(fileURLWithPath: models.large))
    #expect(try await models.service.catalog.model("large", version: nil).name == "large")
  }

  /// If nothing can be closed, a model that is compiled again is refused for a moment only.
  @Test func aModelThatIsCompiledAgainIsRefusedForAMomentOnly() async throws {
    let models = try await CrowdedCatalog(nodes: 30)
    defer { models.end() }
    models.service.pinAll(models.small)
    try FileManager.default.removeItem(atPath: models.large)
    try Data("no model".utf8).write(to: URL(fileURLWithPath: models.large))
    let error = await #expect(throws: ServiceError.self) {
      try await models.service.catalog.model("large", version: nil)
    }
    #expect(error?.kind == .unavailable && error?.retryAfter == .seconds(1))
  }
}

extension InferenceService {
  fileprivate func pinAll(_ count: Int) {
    for index in 1...count { catalog.update("small-\(index)") { $0.settings.isPinned = true } }
  }
}
