import Device
import Engine
import Foundation
import Kernels
import Linker
import ModelCompiler
import ModelGraph
import ModelStore
import Synchronization
import Tensors
import Testing

/// Subnormal numbers in a model's answers: as the device was told, on a lane and on a caller's thread.
@Suite(.timeLimit(.minutes(5)))
struct SubnormalRunTests {
  private static let small = Float(1e-40 as Double)

  /// A model that multiplies 64 numbers by one of its own.
  private func member(_ folder: TemporaryFolder, _ engine: Engine) throws -> TestMember {
    var graph = Graph(name: "product")
    let x = graph.addValue("x", type: ValueType(.float32, [64] as Shape))
    graph.inputs = [x]
    let factor = graph.addConstant(
      "factor", try Tensor((0..<64).map { Float($0 % 2 == 0 ? 0.5 : 1) }, shape: [64]))
    let y = graph.addValue("y")
    graph.nodes = [Node(name: "n", op: .binary(.multiply), inputs: [x, factor], outputs: [y])]
    graph.outputs = [y]
    let path = folder.path + "-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try ModelCompiler(device: engine.device).compile(graph).write(
      to: path, device: engine.device,
      metadata: ModelMetadata(
        name: graph.name, version: 1, target: engine.device.target.description, opset: 17,
        sourceHash: ContentHash(of: []), sourcePath: "", inputs: [], outputs: []))
    return try engine.member(
      try LinkableModel(CompiledModel.open(path)),
      inputs: [try Tensor([Float](repeating: 2 * Self.small, count: 64), shape: [64])])
  }

  @Test(arguments: Subnormals.allCases, [false, true])
  func runsDoAsTheDeviceWasTold(_ subnormals: Subnormals, onCaller: Bool) async throws {
    let folder = TemporaryFolder()
    let engine = try Engine(store: folder.path, device: try CPUDevice(subnormals: subnormals))
    let member = try member(folder, engine)
    let program = try engine.link([member.plan])
    let keeping = try CPUDevice(subnormals: .keep)
    let answer = try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread {
        let before = keeping.beginComputing()
        engine.executor.submit(
          program, inputs: [member.inputs], way: .mapped, onCaller: onCaller,
          onAnswer: { _, answer in continuation.resume(with: answer.map { $0.outputs[0].tensor }) },
          onEnd: { _ in })
        // The thread computes as it did before.
        #expect(halved(.leastNormalMagnitude) > 0)
        keeping.endComputing(before)
      }
    }
    let expected = (0..<64).map { subnormals == .flush ? 0 : Float($0 % 2 == 0 ? 0.5 : 1) * (2 * Self.small) }
    #expect(answer.floats == expected)
  }
}

/// Computed when it is called, by the thread that calls it.
@inline(never) private func halved(_ x: Float) -> Float { x / 2 }
