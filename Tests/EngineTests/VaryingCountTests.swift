import Device
import Engine
import Foundation
import Linker
import ModelCompiler
import Tensors
import Testing

/// Models of which each request decides a count, with onnxruntime's answers (`scripts/make-count-fixtures.py`).
@Suite("Counts that vary from run to run", .timeLimit(.minutes(10)))
struct VaryingCountTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Fixtures/counts")

  private func tensor(_ name: String) throws -> Tensor {
    try NPY.read(VaryingCountTests.folder.appending(path: "\(name).npy").path)
  }

  private func open(_ name: String, in folder: TemporaryFolder, deterministic: Bool) throws -> (
    engine: Engine, model: LinkableModel
  ) {
    let engine = try Engine(store: folder.path, deterministic: deterministic)
    _ = try engine.models.add(
      VaryingCountTests.folder.appending(path: "\(name).onnx").path, name: name,
      options: CompilationOptions(verifying: true))
    return (engine, try engine.models.open(name))
  }

  @Test("a detector's number of detections differs in each of 1,000 runs", arguments: [true, false])
  func detections(deterministic: Bool) async throws {
    let folder = TemporaryFolder()
    defer { withExtendedLifetime(folder) {} }
    let (engine, model) = try open("detector", in: folder, deterministic: deterministic)
    let image = try tensor("detector.image")
    let thresholds: [Float] = try tensor("detector.thresholds").elements()
    let numbers: [Int64] = try tensor("detector.numbers").elements()
    let boxes: [Float] = try tensor("detector.detections").elements()
    let confidence: [Float] = try tensor("detector.confidence").elements()
    let indices: [Int64] = try tensor("detector.index").elements()
    var generator = SeededGenerator(seed: 5)
    let order = thresholds.indices.shuffled(using: &generator).prefix(1000)
    #expect(order.count == 1000)
    var plansAfterTen = 0
    for (run, choice) in order.enumerated() {
      let count = Int(numbers[choice])
      let member = try engine.member(model, inputs: [image, try Tensor([thresholds[choice]], shape: [1])])
      let answer = try await engine.run([member])[0].get()
      #expect(try answer[0].isClose(to: Tensor(Array(boxes.prefix(4 * count)), shape: [count, 4])))
      #expect(try answer[1].isClose(to: Tensor(Array(confidence.prefix(count)), shape: [count])))
      #expect(try answer[2].elements() == Array(indices.prefix(count)))
      if run == 9 { plansAfterTen = engine.planner.usage.plans }
      if run > 9 { #expect(engine.planner.usage.plans <= plansAfterTen, "run \(run)") }
    }
  }

  @Test("a loop runs 1 to 64 rounds, each number again and again", arguments: [true, false])
  func rounds(deterministic: Bool) async throws {
    let folder = TemporaryFolder()
    defer { withExtendedLifetime(folder) {} }
    let (engine, model) = try open("loop", in: folder, deterministic: deterministic)
    let start = try tensor("loop.start")
    let finals: [Float] = try tensor("loop.finals").elements()
    let energies: [Float] = try tensor("loop.energies").elements()
    var plansAfterTen = 0
    for run in 0..<1000 {
      let rounds = 1 + run * 37 % 64
      let member = try engine.member(model, inputs: [try Tensor([Int64(rounds)], shape: .scalar), start])
      let answer = try await engine.run([member])[0].get()
      let size = start.shape.elementCount
      let final = Array(finals[size * (rounds - 1)..<size * rounds])
      #expect(try answer[0].isClose(to: Tensor(final, shape: start.shape)))
      #expect(try answer[1].isClose(to: Tensor(Array(energies.prefix(4 * rounds)), shape: [rounds, 4])))
      if run == 9 { plansAfterTen = engine.planner.usage.plans }
      if run > 9 { #expect(engine.planner.usage.plans <= plansAfterTen, "run \(run)") }
    }
  }
}
