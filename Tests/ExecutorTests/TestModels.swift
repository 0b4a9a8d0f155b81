import Device
import Executor
import Foundation
import Linker
import ModelCompiler
import ModelGraph
import ModelStore
import Residency
import Tensors

/// Compiled models for the `null` device: chains of matrix products, each with a weight that is an extent of its own.
struct TestModels {
  let device: NullDevice
  private let folder: URL

  init(device: NullDevice) throws {
    self.device = device
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("fusedinf-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  /// A model `name` of nodes `k0`, `k1`, … with weights of 64 KiB.
  /// - Parameter seeds: what each weight is made from: equal seeds give equal extents.
  func chain(_ name: String, seeds: [Int]) throws -> LinkableModel {
    var graph = Graph(name: name)
    var value = graph.addValue("x", type: ValueType(.float32, [1, 128]))
    graph.inputs = [value]
    for (index, seed) in seeds.enumerated() {
      let elements = (0..<128 * 128).map { Float($0 &* 31 &+ seed) }
      let weight = graph.addConstant("w\(index)", try Tensor(elements, shape: [128, 128]))
      let result = graph.addValue("y\(index)", type: ValueType(.float32, [1, 128]))
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
    let packed = try ModelCompiler(device: device).compile(graph)
    let path = folder.appendingPathComponent("\(graph.name)-\(UUID().uuidString)").path
    try packed.write(
      to: path, device: device,
      metadata: ModelMetadata(
        name: graph.name, version: 1, target: device.target.description, opset: 17,
        sourceHash: ContentHash(of: []), sourcePath: "", inputs: [], outputs: []))
    return try LinkableModel(CompiledModel.open(path))
  }

  func remove() { try? FileManager.default.removeItem(at: folder) }
}

/// An executor over the `null` device with everything that it needs.
struct TestBench {
  let device: NullDevice
  let residency: Residency
  let planner: Planner
  let executor: Executor
  let models: TestModels
  let budget: Int

  init(budget: Int = 1 << 30, threads: Int = 2, manualLoads: Bool = true, manualKernels: Bool = true) throws {
    device = NullDevice(manualLoads: manualLoads, manualKernels: manualKernels)
    residency = Residency(device: device, budget: budget)
    planner = Planner(device: device, threads: [1])
    executor = Executor(device: device, residency: residency, planner: planner, threads: threads)
    models = try TestModels(device: device)
    self.budget = budget
  }

  /// Links the models at their only shape.
  func link(_ models: [LinkableModel]) throws -> FusedProgram {
    try FusedProgram.link(
      models.map { try planner.plan($0, inputs: [(.float32, [1, 128])]) }, lanes: executor.lanes,
      budget: budget)
  }

  /// Starts a program; answers arrive in the log as they leave.
  func start(_ program: FusedProgram, log: AnswerLog) -> Task<[Result<MemberAnswer, any Error>], Never> {
    start(program) { member, answer in log.add(member, answer) }
  }

  /// Starts a program whose answers are handed to `onAnswer` as they leave.
  func start(
    _ program: FusedProgram, onAnswer: @escaping @Sendable (Int, Result<MemberAnswer, any Error>) -> Void
  ) -> Task<[Result<MemberAnswer, any Error>], Never> {
    Task { [executor] in
      let input = try? Tensor([Float](repeating: 1, count: 128), shape: [1, 128])
      return await executor.run(
        program, inputs: program.members.map { _ in [input].compactMap { $0 } }, way: .mapped,
        onAnswer: onAnswer)
    }
  }

  /// The name of the load for weight `step` of `member`.
  func load(_ program: FusedProgram, _ member: Int, step: Int) -> String {
    program.loads.first { $0.readers.contains { $0.member == member && $0.step == step } }?.extent.description
      ?? ""
  }
}
