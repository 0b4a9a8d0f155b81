/// The memory of this process, once freed memory is given back to the system: as the kernel counts it, and by
/// our own accounts.
struct Memory: Command {
  /// The set whose program the accounts are of; none when it is left out.
  var models: [String]?

  func run(on bench: Bench) async throws -> any Encodable {
    ProcessMemory.giveBack()
    let engine = try bench.engine()
    guard let models, !models.isEmpty else {
      // As after planning, so that a process that has planned is not set beside a larger empty one.
      engine.device.giveBackUnused()
      return Answer(pss: ProcessMemory.proportionalSetSize)
    }
    let program = try bench.link(try bench.models(models))
    let snapshot = engine.residency.snapshot
    return Answer(
      pss: ProcessMemory.proportionalSetSize, uniqueWeightBytes: program.uniqueWeightBytes,
      arenaBytes: program.arenaBytes, residentBytes: snapshot.residentBytes, peakBytes: snapshot.peakBytes,
      planBytes: engine.planner.usage.bytes)
  }

  private struct Answer: Encodable {
    var pss: Int
    var uniqueWeightBytes: Int?
    var arenaBytes: Int?
    var residentBytes: Int?
    var peakBytes: Int?
    var planBytes: Int?
  }
}
