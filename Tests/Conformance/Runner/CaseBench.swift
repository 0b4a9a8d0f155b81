import Engine
import Foundation
import Kernels
import Linker
import ModelCompiler
import ModelStore
import Tensors

/// The device and the companion, on which every case of a batch runs.
final class CaseBench: Sendable {
  private let device: CPUDevice
  private let store: String
  private let companion: OpenCase

  init(companion: ConformanceCase, store: String) throws {
    device = try CPUDevice()
    self.store = store
    let engine = try CaseBench.engine(device, store: store + "/companion")
    var stage = Stage.importing
    self.companion = try OpenCase(companion, on: engine, isOptimised: true, stage: &stage)
  }

  /// Runs a case in all ways, on an engine of its own.
  func run(_ item: ConformanceCase) async -> ConformanceResult {
    let folder = store + "/case"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var results: [WayResult] = []
    for isOptimised in [true, false] {
      let ways = Way.allCases.filter { $0.isOptimised == isOptimised }
      var stage = Stage.importing
      do {
        let engine = try CaseBench.engine(device, store: folder)
        let opened = try OpenCase(item, on: engine, isOptimised: isOptimised, stage: &stage)
        for way in ways { results.append(await run(opened, way, on: engine)) }
      } catch {
        results += ways.map { WayResult(way: $0, status: .refused, stage: stage, message: "\(error)") }
      }
    }
    return ConformanceResult(name: item.name, ways: results)
  }

  private func run(_ opened: OpenCase, _ way: Way, on engine: Engine) async -> WayResult {
    var stage = Stage.plan
    do {
      let members = way.isFused ? [opened, companion] : [opened]
      let plans = try members.map { try $0.plan(with: engine.planner) }
      stage = .link
      let program = try engine.link(plans)
      stage = .run
      let answers = await engine.executor.run(program, inputs: members.map(\.inputs), way: .mapped)
      let outputs = try answers.map { try $0.get().outputs.map(\.tensor) }
      let folder = "\(opened.item.outputs)/\(way.rawValue)"
      return WayResult(
        way: way, status: .answered, outputs: try write(outputs[0], of: opened, to: folder),
        companion: way.isFused ? try write(outputs[1], of: companion, to: folder + "/companion") : nil)
    } catch {
      return WayResult(
        way: way, status: stage == .run ? .error : .refused, stage: stage, message: "\(error)")
    }
  }

  private func write(_ tensors: [Tensor], of opened: OpenCase, to folder: String) throws -> [ConformanceValue]
  {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let types = opened.model.graph.outputs.map { opened.model.graph[$0].type }
    return try zip(tensors, types).enumerated().map {
      try ConformanceValue($1.0, as: $1.1, file: "\(folder)/\($0).bin")
    }
  }

  /// Kernels run on one thread each, so that a fused answer must equal the model's answer alone, bit for bit.
  private static func engine(_ device: CPUDevice, store: String) throws -> Engine {
    Engine(
      store: try ModelStore(directory: store), device: device,
      configuration: EngineConfiguration(budget: 4 << 30, threads: 2, deterministic: true))
  }
}
