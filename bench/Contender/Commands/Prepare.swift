import ModelCompiler

/// Compiles models into the store, for the shapes that they are run with if they can be compiled for them. A
/// model that is already stored gets a new version.
struct Prepare: Command {
  var models: [ModelEntry]

  func run(on bench: Bench) async throws -> any Encodable {
    var answer = Answer(models: [])
    for entry in models {
      let shapes = entry.inputs.filter { !$0.shape.isEmpty }.map { ($0.name, $0.shape.map { $0...$0 }) }
      let declared = CompilationOptions(shapes: Dictionary(shapes, uniquingKeysWith: { first, _ in first }))
      do {
        answer.models.append(try add(entry, declared, to: bench))
      } catch {
        var model = try add(entry, CompilationOptions(), to: bench)
        model.notDeclared = "\(error)"
        answer.models.append(model)
      }
    }
    return answer
  }

  private func add(_ entry: ModelEntry, _ options: CompilationOptions, to bench: Bench) throws -> Model {
    let added = try bench.engine().add(entry.onnx, name: entry.name, options: options)
    return Model(name: added.name, seconds: added.duration / .seconds(1))
  }

  private struct Answer: Encodable { var models: [Model] }
  private struct Model: Encodable {
    var name: String
    var seconds: Double
    /// Why it was not compiled for the shapes.
    var notDeclared: String?
  }
}
