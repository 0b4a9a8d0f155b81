/// Opens models and makes their plans.
struct Open: Command {
  var models: [ModelEntry]

  func run(on bench: Bench) async throws -> any Encodable {
    var answer = Answer(models: [])
    for entry in models {
      let openMs = try await elapsed { _ = try bench.open(entry) }
      let model = try bench.models([entry.name])[0]
      let planMs = try await elapsed { _ = try model.plan(with: bench.engine().planner) }
      answer.models.append(
        Model(
          name: entry.name, openMs: openMs, planMs: planMs, weightBytes: model.model.file.extentBytes,
          file: model.model.file.path))
    }
    return answer
  }

  private struct Answer: Encodable { var models: [Model] }
  private struct Model: Encodable {
    var name: String
    var openMs: Double
    var planMs: Double
    /// Bytes of the packed weights, in whole pages.
    var weightBytes: Int
    var file: String
  }
}

/// Forgets open models and throws out what nobody uses.
struct Close: Command {
  var models: [String]

  func run(on bench: Bench) async throws -> any Encodable {
    bench.close(models)
    try bench.engine().residency.evictIdle()
    return Done()
  }
}

/// It is done.
struct Done: Encodable {
  var done = true
}
