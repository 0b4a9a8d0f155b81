import Device
import Engine
import Executor
import Foundation
import Kernels
import Linker
import ModelStore
import Tensors

/// The state that the commands work on: the engine, and the open models.
final class Bench {
  private var started: Engine?
  private var opened: [String: OpenModel] = [:]

  /// The engine.
  /// - Throws: ``BenchError`` before `start`.
  func engine() throws -> Engine {
    guard let started else { throw BenchError("'start' comes first") }
    return started
  }

  func start(_ configuration: EngineConfiguration, store: String) throws {
    opened = [:]
    started = Engine(
      store: try ModelStore(directory: store), device: try CPUDevice(), configuration: configuration)
  }

  func open(_ entry: ModelEntry) throws -> OpenModel {
    let engine = try engine()
    let model = OpenModel(
      model: try engine.models.open(entry.name), inputs: try entry.inputs.map { try NPY.read($0.file) })
    opened[entry.name] = model
    return model
  }

  func close(_ names: [String]) { for name in names { opened[name] = nil } }

  func models(_ names: [String]) throws -> [OpenModel] {
    try names.map { name in
      guard let model = opened[name] else { throw BenchError("model '\(name)' is not open") }
      return model
    }
  }

  /// Links models as a server does for each request: plans from the cache, then a program.
  func link(_ models: [OpenModel]) throws -> FusedProgram {
    let engine = try engine()
    return try engine.link(try models.map { try $0.plan(with: engine.planner) })
  }

  /// Runs a program once.
  /// - Parameter way: how weights come in that are not resident.
  /// - Throws: what kept a member from answering.
  @discardableResult
  func run(
    _ program: FusedProgram, _ models: [OpenModel], way: LoadRequest.Way = .mapped
  ) async throws -> [MemberAnswer] {
    let answers = try await engine().executor.run(program, inputs: models.map(\.inputs), way: way)
    return try answers.map { try $0.get() }
  }
}

/// A model that is open, with the inputs that it is run on.
struct OpenModel: Sendable {
  var model: LinkableModel
  var inputs: [Tensor]

  func plan(with planner: Planner) throws -> Plan {
    try planner.plan(model, inputs: inputs.map { ($0.elementType, $0.shape) })
  }
}

/// A model as the orchestrator names it: the same to all contenders.
struct ModelEntry: Decodable, Sendable {
  struct Input: Decodable, Sendable {
    var name: String
    var file: String
    var shape: [Int]
  }

  var name: String
  var onnx: String
  var inputs: [Input]
}
