import Engine
import Foundation
import ModelCompiler
import Tensors
import Testing

/// Operators of halves that are several steps here, with onnxruntime's answers (`scripts/make-half-fixtures.py`).
private struct HalfCase: Decodable, Sendable {
  struct Input: Decodable, Sendable {
    var shape: [Int]
    var values: [Float]
  }
  var model: String
  var inputs: [Input]
  var answer: [Float]

  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/halves")

  static func all() throws -> [HalfCase] {
    try JSONDecoder().decode(
      [HalfCase].self, from: Data(contentsOf: folder.appending(path: "cases.json")))
  }

  func tensors() throws -> [Tensor] {
    try inputs.map { try Tensor($0.values.map { Float16($0) }, shape: Shape(checking: $0.shape)) }
  }
}

@Suite("Operators of halves")
struct HalfStepTests {
  @Test("round once, though numbers on the way are too large for a half")
  func answers() async throws {
    let folder = TemporaryFolder()
    defer { withExtendedLifetime(folder) {} }
    let engine = try Engine(store: folder.path)
    for one in try HalfCase.all() {
      _ = try engine.models.add(
        HalfCase.folder.appending(path: "\(one.model).onnx").path, name: one.model,
        options: CompilationOptions(verifying: true))
      let member = try engine.member(try engine.models.open(one.model), inputs: try one.tensors())
      let found = try await engine.run([member])[0].get()[0]
      #expect(found.elementType == .float16)
      #expect(found == (try Tensor(one.answer.map { Float16($0) }, shape: found.shape)), "\(one.model)")
    }
  }
}
