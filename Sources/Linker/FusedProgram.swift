import Device
import ModelStore

/// Several plans linked into one DAG of loads and kernels, with one activation arena.
///
/// Kernels of one member form a chain. A load node feeds the first kernel of every member that reads its extent.
/// Members depend on each other only where they share a part of the arena. Under a budget that does not hold the weights
/// of one member beside the arena of another, each member has an arena of its own, for as long as it runs. So has each
/// member of a program in which some take outputs of others: who comes after whom is given there already.
public struct FusedProgram: Sendable {
  /// One model's part.
  public struct Member: Sendable {
    public var plan: Plan
    /// Its arena, by index into ``FusedProgram/arenas``.
    public var arena: Int
    /// The offset of the member's share of the arena.
    public var arenaOffset: Int
    /// The memory that the member takes, its share of the arena included.
    public var memory: MemberMemory
    /// The member that must have ended before this one starts, because their shares overlap.
    public var predecessor: Int?
    /// The members whose outputs it takes: it starts when they have answered.
    public var sources: [Int]
  }

  /// One extent, loaded once for all members that hold it.
  public struct Load: Sendable {
    public var extent: ContentHash
    public var byteCount: Int
    /// The file that has it, by member, and its index there.
    public var source: (member: Int, extent: Int)
    /// The step of each member that waits for it.
    public var readers: [(member: Int, step: Int)]
  }

  public let members: [Member]
  public let loads: [Load]
  /// Page-rounded bytes of each arena: one that all members share, or one a member.
  public let arenas: [Int]

  /// Bytes of all arenas.
  public var arenaBytes: Int { arenas.saturatingSum }

  /// Bytes of all extents, equal ones once.
  public var uniqueWeightBytes: Int { loads.reduce(0) { $0 + $1.byteCount } }

  /// True when data have shown, since this was linked, that a member takes more memory: linked again, it gets it at once.
  public var isOutgrown: Bool { members.contains { $0.memory.union($0.plan.memberMemory) != $0.memory } }

  /// Links plans into one program.
  /// - Parameters:
  ///   - lanes: how many members can run at the same time.
  ///   - budget: the bytes that a member's extents and the arena have to fit in together.
  ///   - sources: for each plan, those before it whose outputs it takes; empty when none takes any.
  ///   - memory: for each plan, what its member takes; ``Plan/memberMemory`` when left out.
  /// - Throws: ``LinkError`` when one member alone does not fit, with both sizes.
  public static func link(
    _ plans: [Plan], lanes: Int, budget: Int, sources: [[Int]] = [], memory: [MemberMemory]? = nil
  ) throws(LinkError) -> FusedProgram {
    // Read once: a plan may learn that it needs more while it is linked here.
    let memory = memory ?? plans.map(\.memberMemory)
    var largest = 0
    for (plan, memory) in zip(plans, memory) {
      let needed = plan.reservedBytes(with: memory)
      guard needed <= budget else {
        throw LinkError.tooLarge(model: plan.model.name, needed: needed, budget: budget)
      }
      largest = max(largest, needed - memory.arenaBytes)
    }
    let placement = placeArenas(
      plans.indices.map {
        ArenaDemand(
          byteCount: memory[$0].arenaBytes,
          cost: Double(plans[$0].reservedExtentBytes) + Double(plans[$0].arenaBytes)
        )
      }, lanes: lanes, limit: budget - largest)
    let isShared = placement.byteCount <= budget - largest && sources.allSatisfy(\.isEmpty)
    var loads: [Load] = []
    var known: [ContentHash: Int] = [:]
    let mostLoads = plans.reduce(0) { $0 + $1.extents.count }
    loads.reserveCapacity(mostLoads)
    known.reserveCapacity(mostLoads)
    for (member, plan) in plans.enumerated() {
      for (position, extent) in plan.extents.enumerated() {
        let stored = plan.model.file.extents[extent]
        if let index = known[stored.hash] {
          loads[index].readers.append((member, plan.firstSteps[position]))
        } else {
          known[stored.hash] = loads.count
          loads.append(
            Load(
              extent: stored.hash, byteCount: stored.byteCount, source: (member, extent),
              readers: [(member, plan.firstSteps[position])]))
        }
      }
    }
    let members = plans.indices.map { index in
      Member(
        plan: plans[index], arena: isShared ? 0 : index,
        arenaOffset: isShared ? placement.offsets[index] : 0, memory: memory[index],
        predecessor: isShared ? placement.predecessors[index] : nil,
        sources: sources.indices.contains(index) ? sources[index] : [])
    }
    return FusedProgram(
      members: members, loads: loads, arenas: isShared ? [placement.byteCount] : memory.map(\.arenaBytes))
  }
}
