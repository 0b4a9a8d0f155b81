import Device
import Engine
import Executor
import Linker
import Residency

/// Runs a set of models with some of FusedInf's ideas left out, with all weights resident or swapped in.
struct Ablate: Command {
  var models: [String]
  /// An engine a model: weights and arenas of its own each, one model after the other.
  var isSeparate: Bool
  /// Members run side by side on lanes; else one after the other, in the same part of the arena.
  var usesLanes: Bool
  /// Kernels start while later weights are on their way; else when all of a program's are there.
  var loadsInside: Bool
  /// Plans are kept while weights are out; else they are made again.
  var keepsPlans: Bool
  /// Weights are thrown out before each run.
  var swaps: Bool
  var sampling: Sampling

  func run(on bench: Bench) async throws -> any Encodable {
    let engine = try bench.engine()
    let models = try bench.models(models)
    let groups =
      isSeparate
      ? models.map { model in
        let own = Engine(
          store: engine.models.store, device: engine.device, configuration: engine.configuration)
        return (own, [model])
      } : [(engine, models)]
    func once() async throws {
      for (engine, group) in groups { try await run(group, on: engine) }
    }
    try await once()
    let samples = try await sampling.milliseconds {
      if swaps { for (engine, _) in groups { engine.residency.evictIdleExtents() } }
    } _: {
      try await once()
    }
    let programs = try groups.map { try link($1, on: $0, with: $0.planner) }
    return Answer(
      ms: samples, weightBytes: programs.reduce(0) { $0 + $1.uniqueWeightBytes },
      arenaBytes: programs.reduce(0) { $0 + $1.arenaBytes })
  }

  private func link(_ group: [OpenModel], on engine: Engine, with planner: Planner) throws -> FusedProgram {
    try FusedProgram.link(
      group.map { try $0.plan(with: planner) }, lanes: usesLanes ? engine.executor.lanes : 1,
      budget: engine.configuration.budget)
  }

  private func run(_ group: [OpenModel], on engine: Engine) async throws {
    let planner =
      keepsPlans
      ? engine.planner
      : Planner(
        device: engine.device, threads: engine.configuration.kernelThreads,
        capacity: engine.configuration.planCacheBytes)
    let program = try link(group, on: engine, with: planner)
    let lease = loadsInside ? nil : try await load(program, on: engine)
    defer { lease?.release() }
    for answer in await engine.executor.run(program, inputs: group.map(\.inputs), way: .mapped) {
      _ = try answer.get()
    }
  }

  /// Brings in all of a program's weights; they stay while the lease is held.
  private func load(_ program: FusedProgram, on engine: Engine) async throws -> Lease {
    let items = program.loads.map { load in
      let model = program.members[load.source.member].plan.model
      return ItemRequest(
        item: ResidencyItem(
          id: .extent(model.extentNames[load.source.extent]), byteCount: load.byteCount,
          reloadCost: Double(load.byteCount) / 1000, origin: model.file.path),
        source: .load(model.load(extent: load.source.extent, way: .mapped)))
    }
    let lease = try await engine.residency.reserve(owner: "all members", items: items, exclusiveBytes: 0)
    engine.device.assistLoads()
    // Nothing else is to run meanwhile, so this task may hold its thread.
    for item in items { _ = try lease.ticket(for: item.item.id).wait() }
    return lease
  }

  private struct Answer: Encodable {
    var ms: [Double]
    /// Bytes of weights and of arenas that are held when all models have run.
    var weightBytes: Int
    var arenaBytes: Int
  }
}
