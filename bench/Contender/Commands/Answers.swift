import Foundation
import Tensors

/// Runs a model once and writes its outputs, for comparison with reference answers.
struct Answers: Command {
  var model: String
  /// Where to write them: one file an output, named after it with '_' for '/'.
  var folder: String

  func run(on bench: Bench) async throws -> any Encodable {
    let models = try bench.models([model])
    let answers = try await bench.run(try bench.link(models), models)
    for (name, tensor) in answers[0].outputs {
      try NPY.write(tensor, to: "\(folder)/\(name.replacingOccurrences(of: "/", with: "_")).npy")
    }
    return Done()
  }
}
