import Engine
import Foundation
import Linker
import ModelCompiler
import Tensors
import Testing

/// Texts in runs of models (`scripts/make-string-fixtures.py`).
@Suite struct StringTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent()
    .appending(path: "Fixtures/strings")

  private func added(_ name: String, to engine: Engine) throws -> LinkableModel {
    let path = Self.folder.appending(path: "\(name).onnx").path
    _ = try engine.models.add(path, name: name, options: CompilationOptions(verifying: true))
    return try engine.models.open(name)
  }

  /// Bytes that are not UTF-8 pass through a run.
  @Test func bytesPassThrough() async throws {
    let folder = TemporaryFolder()
    defer { withExtendedLifetime(folder) {} }
    let engine = try Engine(store: folder.path)
    let model = try added("doubling1", to: engine)
    let input = try Tensor(bytesOf: [[0xff], [], [0xc3, 0x28]] as [[UInt8]], shape: [3])
    let output = try await engine.run([try engine.member(model, inputs: [input])])[0].get()[0]
    #expect(output.stringBytes == [[0xff, 0xff], [], [0xc3, 0x28, 0xc3, 0x28]])
  }

  /// The texts that a run makes count against the budget: a run that needs more begins anew, or is refused.
  @Test func textsAreCounted() async throws {
    let folder = TemporaryFolder()
    defer { withExtendedLifetime(folder) {} }
    let budget = 16 << 20
    let engine = try Engine(store: folder.path, budget: budget)
    let model = try added("doubling21", to: engine)
    let one = try engine.member(model, inputs: [try Tensor(strings: ["x"], shape: [1])])
    for _ in 0..<2 {
      let output = try await engine.run([one])[0].get()[0]
      #expect(output.stringBytes?.first?.count == 1 << 21)
    }
    // Of four million bytes of texts, the larger half is the result.
    #expect(one.plan.memberMemory.requestBytes >= 1 << 22)
    let words = try Tensor(strings: ["x", "xy", "xyz", "wxyz"], shape: [4])
    let member = try engine.member(model, inputs: [words])
    let answer = try await engine.run([member])[0]
    #expect(throws: LinkError.self) { try answer.get() }
    #expect(engine.residency.snapshot.peakBytes <= budget)
  }

  /// A constant's texts are in every run, and texts are equal whatever they come from.
  @Test func constantsAndInputsAreCompared() async throws {
    let folder = TemporaryFolder()
    defer { withExtendedLifetime(folder) {} }
    let engine = try Engine(store: folder.path)
    let model = try added("equality", to: engine)
    #expect(model.graph.hasBatchAxis)
    for _ in 0..<2 {
      let input = try Tensor(strings: ["a", "b", ""], shape: [3])
      let output = try await engine.run([try engine.member(model, inputs: [input])])[0].get()[0]
      #expect(output.integers == [0, 1, 0])
    }
  }
}
