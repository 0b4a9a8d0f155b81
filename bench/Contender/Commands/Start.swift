import Engine

/// Makes an engine over a store; what was open before is closed.
struct Start: Command {
  var store: String
  var threads: Int
  var budget: Int
  var deterministic: Bool?

  func run(on bench: Bench) async throws -> any Encodable {
    try bench.start(
      EngineConfiguration(budget: budget, threads: threads, deterministic: deterministic ?? false),
      store: store)
    return Answer(target: try bench.engine().device.target.description)
  }

  private struct Answer: Encodable { var target: String }
}
