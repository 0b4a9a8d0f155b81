import Device
import Engine
import Kernels
import Linker
import ModelGraph
import Scheduler
import Tensors
import Testing

@Suite("Batches on the cpu device", .timeLimit(.minutes(5)))
struct BatchTests {
  /// Runs as many requests at once as there are inputs.
  private func runAll(
    _ inputs: [Tensor], _ model: LinkableModel, on test: TestEngine
  ) async throws -> [(tensor: Tensor, batch: Int)] {
    try await withThrowingTaskGroup(of: (Int, Tensor, Int).self) { group in
      for (index, input) in inputs.enumerated() {
        group.addTask {
          let answer = try await test.scheduler.run(ScheduledRequest(model: model, inputs: [input]))
          return (index, answer.outputs[0].tensor, answer.timing.batchSize)
        }
      }
      var answers: [Int: (Tensor, Int)] = [:]
      for try await (index, tensor, batch) in group { answers[index] = (tensor, batch) }
      return try inputs.indices.map { try #require(answers[$0]) }
    }
  }

  private func isClose(_ found: Tensor, _ expected: Tensor) throws -> Bool {
    let (a, b) = (try found.elements(as: Float.self), try expected.elements(as: Float.self))
    let largest = b.map(abs).max() ?? 0
    return found.shape == expected.shape && zip(a, b).allSatisfy { abs($0 - $1) <= 1e-5 * largest }
  }

  @Test("answers of a batch are those of each request alone, within rounding, in whatever rows they came")
  func equalAnswers() async throws {
    let test = try TestEngine(device: try CPUDevice(), threads: 1)
    let model = try test.chain("A", seeds: [1, 2, 3])
    let inputs = try (0..<24).map { try TestEngine.input(rows: 1 + $0 % 3, seed: 5 * $0) }
    var alone: [Tensor] = []
    for input in inputs {
      alone.append(
        try await test.scheduler.run(ScheduledRequest(model: model, inputs: [input])).outputs[0].tensor)
    }
    var batches = Set<Int>()
    // Plans of batches are made in the background: the first rounds may do without.
    for _ in 0..<500 where batches.count < 3 {
      for (answer, expected) in zip(try await runAll(inputs, model, on: test), alone) {
        #expect(try isClose(answer.tensor, expected))
        batches.insert(answer.batch)
      }
    }
    #expect(batches.contains { $0 > 1 }, "\(batches)")
    #expect(test.scheduler.checkInvariants() == [])
  }

  @Test("a deterministic engine never batches")
  func deterministic() async throws {
    let test = try TestEngine(device: try CPUDevice(), threads: 1, deterministic: true)
    let model = try test.chain("A", seeds: [1])
    let inputs = try (0..<16).map { try TestEngine.input(seed: $0) }
    for _ in 0..<10 {
      #expect(try await runAll(inputs, model, on: test).allSatisfy { $0.batch == 1 })
    }
  }
}
