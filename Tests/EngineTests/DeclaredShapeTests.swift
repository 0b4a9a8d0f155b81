import Device
import Engine
import Foundation
import Linker
import ModelCompiler
import Tensors
import Testing

@Suite("Shapes that were declared when a model was added")
struct DeclaredShapeTests {
  let folder = TemporaryFolder()
  let engine: Engine

  init() throws {
    engine = try Engine(store: folder.path, device: NullDevice())
    _ = try engine.add(
      DataShapeCase.folder.appending(path: "select.onnx").path, name: "select",
      options: CompilationOptions(shapes: ["rows": [2...8, 4...4]]))
  }

  private func plan(_ shape: Shape) throws -> Plan {
    try engine.planner.plan(try engine.models.open("select"), inputs: [(.float32, shape)])
  }

  @Test("the least, the largest and what lies between are planned", arguments: [2, 5, 8])
  func within(rows: Int) throws {
    #expect(try plan([rows, 4]).inputs[0].shape.dims == [rows, 4])
  }

  @Test(
    "others are refused with the model, the input, what was declared and what was given",
    arguments: [0, 1, 9])
  func outside(rows: Int) throws {
    let error = try #require(throws: LinkError.self) { try plan([rows, 4]) }
    for part in ["'select'", "'rows'", "2..8x4", "\(rows), 4"] {
      #expect(error.description.contains(part), "\(error)")
    }
  }

  @Test("what was declared holds where the model was compiled again")
  func compiledAgain() throws {
    try engine.models.recompile("select")
    #expect(throws: LinkError.self) { try plan([9, 4]) }
    #expect(try plan([8, 4]).inputs[0].shape.dims == [8, 4])
  }

  /// The voice detector serves two sampling rates, by one branch each; a window of 512 samples suits one of them.
  @Test(
    "shapes that suit one branch of a conditional alone",
    .enabled(if: ReferenceModel.areThere, ReferenceModel.missing))
  func oneBranch() throws {
    let model = try ReferenceModel.named("silero-vad")
    let shapes = try ReferenceModel.tensors(try #require(model.cases.first).inputs)
      .mapValues { tensor in tensor.shape.dims.map { $0...$0 } }
    let added = try engine.add(
      model.path, name: "voice", options: CompilationOptions(shapes: shapes.filter { !$0.value.isEmpty }))
    #expect(added.need != nil)
  }
}
