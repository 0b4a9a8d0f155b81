import Engine
import Foundation
import ModelCompiler
import Tensors
import Testing

/// Products with one-hot matrices, with onnxruntime's answers (`scripts/make-lookup-fixtures.py`).
private struct LookupCase: Decodable, Sendable {
  var model: String
  var isWide: Bool
  var indices: [Int64]
  var answer: [Float]

  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/lookups")

  static func all() throws -> [LookupCase] {
    try JSONDecoder().decode(
      [LookupCase].self, from: Data(contentsOf: folder.appending(path: "cases.json")))
  }

  var tensor: Tensor {
    get throws {
      let shape = try Shape(checking: [indices.count / 6, 6])
      return isWide
        ? try Tensor(indices, shape: shape) : try Tensor(indices.map { Int32(clamping: $0) }, shape: shape)
    }
  }
}

@Suite("Products with one-hot matrices")
struct LookupTests {
  @Test(
    "answer as onnxruntime does, for indices inside and outside of the table, though they are lookups now")
  func answers() async throws {
    let folder = TemporaryFolder()
    defer { withExtendedLifetime(folder) {} }
    let engine = try Engine(store: folder.path)
    for one in try LookupCase.all() {
      _ = try engine.models.add(
        LookupCase.folder.appending(path: "\(one.model).onnx").path, name: one.model,
        options: CompilationOptions(verifying: true))
      let model = try engine.models.open(one.model)
      let ops = model.graph.nodes.map(\.op.name)
      #expect(ops.contains("matmul") == (one.model == "one-hot-of-two"), "\(one.model): \(ops)")
      #expect(ops.contains("matmul") || ops.last == "gather", "\(one.model): \(ops)")
      let member = try engine.member(model, inputs: [try one.tensor])
      let found = try await engine.run([member])[0].get()[0]
      let expected = try Tensor(one.answer, shape: found.shape)
      #expect(try found.isClose(to: expected), "\(one.model)")
    }
  }
}
