import Device
import Engine
import Executor

/// Serves a sequence of requests under the engine's budget: each looks its plan up, links, brings in what is missing,
/// runs, and only then does its worker take the next.
struct Storm: Command {
  /// The names of open models, one a request.
  var requests: [String]
  var workers: Int
  /// The way in which weights that are not resident are loaded.
  var load: LoadRequest.Way?

  func run(on bench: Bench) async throws -> any Encodable {
    let engine = try bench.engine()
    let models = try bench.models(requests)
    let before = engine.residency.snapshot.counters
    let next = Locked(0)
    let load = load ?? .mapped
    let start = monotonicNanoseconds()
    let latencies = try await withThrowingTaskGroup(of: [(Int, Double)].self) { group in
      for _ in 0..<workers {
        group.addTask {
          var served: [(Int, Double)] = []
          while let index = next.withLock({ next in
            defer { next += 1 }
            return next < models.count ? next : nil
          }) {
            served.append((index, try await elapsed { try await serve(models[index], on: engine, load) }))
          }
          return served
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    let wallMs = Double(monotonicNanoseconds() - start) / 1e6
    let after = engine.residency.snapshot
    return Answer(
      ms: latencies.sorted { $0.0 < $1.0 }.map(\.1), wallMs: wallMs,
      bytesLoaded: after.counters.bytesLoaded - before.bytesLoaded, peakBytes: after.peakBytes)
  }

  private func serve(_ model: OpenModel, on engine: Engine, _ load: LoadRequest.Way) async throws {
    let program = try engine.link([try model.plan(with: engine.planner)])
    for answer in await engine.executor.run(program, inputs: [model.inputs], way: load) {
      _ = try answer.get()
    }
  }

  private struct Answer: Encodable {
    /// Of each request, in their order.
    var ms: [Double]
    var wallMs: Double
    var bytesLoaded: Int
    /// The most that was ever taken of the budget.
    var peakBytes: Int
  }
}
