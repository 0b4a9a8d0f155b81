import Device
import ModelStore
import Synchronization

/// Several plans linked into one DAG of loads and kernels, with one activation arena.
///
/// Kernels of one member form a chain. A load node feeds the first kernel of every member that reads its extent.
/// Members depend on each other only where they share a part of the arena.
public struct FusedProgram: Sendable {
  /// One model's part.
  public struct Member: Sendable {
    public var plan: Plan
    /// Where its share of the arena starts.
    public var arenaOffset: Int
    /// Bytes of its share.
    public var arenaBytes: Int
    /// The member that must have ended before this one starts, because their shares overlap.
    public var predecessor: Int?
  }

  /// One extent, brought in once for all members that hold it.
  public struct Load: Sendable {
    public var extent: ContentHash
    public var byteCount: Int
    /// The file that has it, by member, and its index there.
    public var source: (member: Int, extent: Int)
    /// The step of each member that waits for it.
    public var readers: [(member: Int, step: Int)]
  }

  /// Names this program's arena.
  public let id: UInt64
  public let members: [Member]
  public let loads: [Load]
  /// Page-rounded bytes of the arena.
  public let arenaBytes: Int

  /// Bytes of all extents, equal ones once.
  public var uniqueWeightBytes: Int { loads.reduce(0) { $0 + $1.byteCount } }

  private static let counter = Atomic<UInt64>(0)

  /// Links plans into one program.
  /// - Parameters:
  ///   - lanes: how many members can run at the same time.
  ///   - budget: the bytes that a member's extents and the arena have to fit in together.
  /// - Throws: ``LinkError`` when one member alone does not fit, with both sizes.
  public static func link(_ plans: [Plan], lanes: Int, budget: Int) throws(LinkError) -> FusedProgram {
    var largest = 0
    for plan in plans {
      let extents = plan.reservedExtents.reduce(0) { $0 + plan.model.file.extents[$1].byteCount }
      let fixed = extents + roundedToPages(plan.requestBytes)
      guard fixed + plan.memberArenaBytes <= budget else {
        throw LinkError(
          .memberTooLarge(model: plan.model.name, needed: fixed + plan.memberArenaBytes, budget: budget))
      }
      largest = max(largest, fixed)
    }
    let placement = placeArenas(
      plans.map {
        ArenaDemand(byteCount: $0.memberArenaBytes, cost: Double($0.reservedExtentBytes + $0.arenaBytes))
      },
      lanes: lanes, limit: budget - largest)
    var loads: [Load] = []
    var known: [ContentHash: Int] = [:]
    for (member, plan) in plans.enumerated() {
      var firstSteps = [Int](repeating: plan.steps.count, count: plan.extents.count)
      for (step, kernel) in plan.steps.enumerated() {
        for extent in kernel.waits { firstSteps[extent] = step }
      }
      for (position, extent) in plan.extents.enumerated() {
        let stored = plan.model.file.extents[extent]
        if let index = known[stored.hash] {
          loads[index].readers.append((member, firstSteps[position]))
        } else {
          known[stored.hash] = loads.count
          loads.append(
            Load(
              extent: stored.hash, byteCount: stored.byteCount, source: (member, extent),
              readers: [(member, firstSteps[position])]))
        }
      }
    }
    let members = plans.indices.map { index in
      Member(
        plan: plans[index], arenaOffset: placement.offsets[index], arenaBytes: plans[index].memberArenaBytes,
        predecessor: placement.predecessors[index])
    }
    return FusedProgram(
      id: counter.wrappingAdd(1, ordering: .relaxed).newValue, members: members, loads: loads,
      arenaBytes: placement.byteCount)
  }
}

extension Plan {
  /// Page-rounded bytes of ``reservedExtents``.
  public var reservedExtentBytes: Int {
    reservedExtents.reduce(0) { $0 + model.file.extents[$1].byteCount }
  }
}
