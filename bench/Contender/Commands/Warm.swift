/// Runs a model again and again with all its weights resident. One run before is not counted.
struct Warm: Command {
  var model: String
  var sampling: Sampling

  func run(on bench: Bench) async throws -> any Encodable {
    let models = try bench.models([model])
    let program = try bench.link(models)
    try await bench.run(program, models)
    return Samples(ms: try await sampling.milliseconds { try await bench.run(program, models) })
  }
}
