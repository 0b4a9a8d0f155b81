/// Runs a set of models with all weights resident: as one fused program, or one after the other.
struct RunSet: Command {
  var models: [String]
  var mode: Mode
  var sampling: Sampling

  enum Mode: String, Decodable {
    case fused
    case inTurn = "in-turn"
  }

  func run(on bench: Bench) async throws -> any Encodable {
    let models = try bench.models(models)
    let groups = mode == .fused ? [models] : models.map { [$0] }
    func once() async throws {
      for group in groups { try await bench.run(try bench.link(group), group) }
    }
    try await once()
    return Samples(ms: try await sampling.milliseconds(once))
  }
}
