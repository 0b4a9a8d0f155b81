/// Links a set of models whose plans are cached, again and again.
struct Link: Command {
  var models: [String]
  var sampling: Sampling

  func run(on bench: Bench) async throws -> any Encodable {
    let models = try bench.models(models)
    _ = try bench.link(models)
    return Samples(ms: try await sampling.milliseconds { _ = try bench.link(models) })
  }
}
