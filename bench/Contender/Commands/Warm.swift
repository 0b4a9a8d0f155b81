import Tensors

/// Runs a model again and again with all its weights resident. One run before is not counted.
struct Warm: Command {
  var model: String
  var sampling: Sampling
  /// Files of the inputs, in order, of each run: one list after the other, and then from the first again. Without them, each run has
  /// the inputs that the model was opened with. All lists run once before.
  var feeds: [[String]]?

  func run(on bench: Bench) async throws -> any Encodable {
    let opened = try bench.models([model])[0]
    let inputs = try feeds?.map { try $0.map { try NPY.read($0) } } ?? [opened.inputs]
    let models = inputs.map { OpenModel(model: opened.model, inputs: $0) }
    guard !models.isEmpty else { throw BenchError("there are no inputs") }
    for model in models { try await bench.run(try bench.link([model]), [model]) }
    let program = try bench.link([models[0]])
    var next = 0
    return Samples(
      ms: try await sampling.milliseconds {
        try await bench.run(program, [models[next]])
        next = (next + 1) % models.count
      })
  }
}
