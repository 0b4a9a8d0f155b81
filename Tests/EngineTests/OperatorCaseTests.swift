import Engine
import Foundation
import Linker
import ModelCompiler
import ModelGraph
import Tensors
import Testing

@Suite("Operators as other runtimes compute them", .timeLimit(.minutes(10)))
struct OperatorCaseTests {
  @Test("a model of one operator is read, typed and run", arguments: OperatorCase.families)
  func answers(family: String) async throws {
    // In memory where that is possible: two thousand models are synced, one after the other.
    let memory = FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm/" : NSTemporaryDirectory()
    let folder = memory + "fusedinf-operators-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let engine = try Engine(store: folder + "/store")
    for (index, one) in try OperatorCase.all(of: family).enumerated() {
      let label: Comment = "\(one.name)"
      do {
        let name = "case-\(index)"
        let model = try add(one, to: engine, in: folder, as: name)
        defer { try? engine.models.store.remove(name) }
        let inputs = Dictionary(uniqueKeysWithValues: one.inputs.map { ($0.name, $0.tensor) })
        let member = try engine.member(
          model, inputs: model.graph.inputs.map { try #require(inputs[model.graph[$0].name], label) })
        let types = model.graph.outputs.map { model.graph[$0].type }
        let found = try zip(try await engine.run([member])[0].get(), types).flatMap { tensor, type in
          try tensor.served(as: "", isOptional: type?.contents?.isOptional ?? false).map { ($0.tensor, type) }
        }
        if one.outputs.isEmpty {
          Issue.record("\(one.name): it should be refused")
          continue
        }
        #expect(found.count == one.outputs.count, label)
        for ((tensor, declared), expected) in zip(found, one.outputs) {
          #expect(try one.accepts(tensor, for: expected), label)
          if declared?.elementType == .sequence { continue }
          let type = ValueType(expected.elementType, expected.shape)
          #expect(declared?.agrees(with: type) ?? true, "\(one.name): the type inferred of a result")
        }
      } catch {
        if !one.outputs.isEmpty { Issue.record("\(one.name): \(error)") }
      }
    }
  }

  private func add(
    _ one: OperatorCase, to engine: Engine, in folder: String, as name: String
  ) throws -> LinkableModel {
    let path = "\(folder)/\(name).onnx"
    try one.model.write(to: URL(fileURLWithPath: path))
    _ = try engine.models.add(path, name: name, options: CompilationOptions(verifying: true))
    return try engine.models.open(name)
  }
}
