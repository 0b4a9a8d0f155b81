import Device
import Engine
import Foundation
import Linker
import ModelCompiler
import ModelGraph
import ModelStore
import Tensors

import Scheduler

/// An engine with a scheduler, and models made for it.
final class TestEngine: Sendable {
  let engine: Engine
  let scheduler: Scheduler
  private let folder: String
  private let models: String

  init(
    device: any Device = NullDevice(), budget: Int = 1 << 30, threads: Int = 2, deterministic: Bool = false,
    _ configuration: SchedulerConfiguration = SchedulerConfiguration()
  ) throws {
    folder = NSTemporaryDirectory() + "fusedinf-scheduler-\(UUID().uuidString)"
    models = folder + "-models"
    try FileManager.default.createDirectory(atPath: models, withIntermediateDirectories: true)
    engine = Engine(
      store: try ModelStore(directory: folder), device: device,
      configuration: EngineConfiguration(budget: budget, threads: threads, deterministic: deterministic))
    scheduler = Scheduler(engine: engine, configuration: configuration)
  }

  deinit { for path in [folder, models] { try? FileManager.default.removeItem(atPath: path) } }

  /// A model of matrix products, each with a weight of 64 KiB that is an extent of its own.
  /// - Parameter seeds: what each weight is made from: equal seeds give equal extents.
  func chain(_ name: String, seeds: [Int]) throws -> LinkableModel {
    var graph = Graph(name: name)
    let type = ValueType(.float32, [.symbol("N"), .known(128)])
    var value = graph.addValue("x", type: type)
    graph.inputs = [value]
    for (index, seed) in seeds.enumerated() {
      let elements = (0..<128 * 128).map { Float(($0 &* 31 &+ seed * 7) % 97) / 970 - 0.05 }
      let weight = graph.addConstant("w\(index)", try Tensor(elements, shape: [128, 128]))
      let result = graph.addValue("y\(index)", type: type)
      graph.nodes.append(
        Node(
          name: "k\(index)", op: .matrixMultiply(MatrixMultiply()), inputs: [value, weight], outputs: [result]
        ))
      value = result
    }
    graph.outputs = [value]
    return try compile(graph)
  }

  func compile(_ graph: Graph) throws -> LinkableModel {
    let packed = try ModelCompiler(device: engine.device).compile(graph)
    let path = models + "/\(graph.name)-\(UUID().uuidString)"
    try packed.write(
      to: path, device: engine.device,
      metadata: ModelMetadata(
        name: graph.name, version: 1, target: engine.device.target.description, opset: 17,
        sourceHash: ContentHash(of: []), sourcePath: "", inputs: [], outputs: []))
    return try LinkableModel(CompiledModel.open(path))
  }

  static func input(rows: Int = 1, seed: Int = 0) throws -> Tensor {
    try Tensor((0..<rows * 128).map { Float(($0 &* 17 &+ seed) % 31) / 31 - 0.5 }, shape: [rows, 128])
  }

  /// Bytes that one run of the model takes.
  func need(of model: LinkableModel) throws -> Int {
    let plan = try engine.planner.plan(model, inputs: [(.float32, [1, 128])])
    return plan.reservedExtentBytes + plan.extraBytes
  }
}
