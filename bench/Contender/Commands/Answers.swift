import Foundation
import Tensors

/// Runs models once, as one fused program, and writes their outputs, for comparison with reference answers.
struct Answers: Command {
  var models: [String]
  /// The output folder: a folder a model, a file an output, named after it with '_' for '/'.
  var folder: String

  func run(on bench: Bench) async throws -> any Encodable {
    let models = try bench.models(models)
    let answers = try await bench.run(try bench.link(models), models)
    for (model, answer) in zip(models, answers) {
      let place = "\(folder)/\(model.model.name)"
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
      for (name, tensor) in answer.outputs {
        try NPY.write(tensor, to: "\(place)/\(name.replacingOccurrences(of: "/", with: "_")).npy")
      }
    }
    return Done()
  }
}
