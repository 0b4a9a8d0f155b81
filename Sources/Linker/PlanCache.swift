import Device
import Synchronization
import Tensors

/// The identity of a plan: equal keys give equal plans.
struct PlanKey: Sendable, Hashable {
  /// The graph: a model's, or what a plan left to do.
  var graph: PlanIdentity
  var inputs: [InputType]
  /// The elements that decided the shapes of each continuation on the way here.
  var decisions: [Tensor.Bits]

  struct InputType: Sendable, Hashable {
    var elementType: ElementType
    var shape: Shape
  }
}

/// Names a graph that plans are made of for as long as the process lives: an object's address would be given out again.
struct PlanIdentity: Sendable, Hashable {
  private static let counter = Atomic<UInt64>(0)
  let number = counter.wrappingAdd(1, ordering: .relaxed).newValue
}

extension Tensor {
  /// Type, shape and elements, to compare and hash.
  struct Bits: Sendable, Hashable {
    var elementType: ElementType
    var shape: Shape
    var bytes: [UInt8]
  }

  var bits: Bits { Bits(elementType: elementType, shape: shape, bytes: withUnsafeBytes { Array($0) }) }
}

/// Plans that were made, by what they were made for. The least recently used leave when the ledger needs their bytes.
///
/// A plan that a request uses never leaves: its bytes would not come back before the request ends. A plan keeps its model,
/// and so the model's file, open, until ``forget(_:)``.
final class PlanCache: Sendable {
  private struct Entry {
    var plan: Plan
    var lastUse: UInt64
  }

  private struct State {
    var entries: [PlanKey: Entry] = [:]
    /// The entries of each model, by its number.
    var keys: [UInt64: Set<PlanKey>] = [:]
    /// The entries of each graph that is a rest or a round.
    var parts: [PlanIdentity: Set<PlanKey>] = [:]
    /// Uses in the order in which they came. One that is older than its entry's last use says nothing.
    var uses: [(key: PlanKey, time: UInt64)] = []
    var firstUse = 0
    var clock: UInt64 = 1

    /// Notes that the plan of `key` is used now.
    mutating func touch(_ key: PlanKey) {
      guard let last = entries[key]?.lastUse, last != clock else { return }
      renew(key)
      dropOldUses()
    }

    private mutating func renew(_ key: PlanKey) {
      clock += 1
      entries[key]?.lastUse = clock
      uses.append((key, clock))
    }

    private mutating func dropOldUses() {
      guard uses.count > 2 * entries.count + 64 else { return }
      uses = uses[firstUse...].filter { entries[$0.key]?.lastUse == $0.time }
      firstUse = 0
    }

    mutating func remove(_ key: PlanKey) -> Plan? {
      guard let entry = entries.removeValue(forKey: key) else { return nil }
      let model = entry.plan.model.identity.number
      keys[model]?.remove(key)
      if keys[model]?.isEmpty == true { keys[model] = nil }
      parts[key.graph]?.remove(key)
      if parts[key.graph]?.isEmpty == true { parts[key.graph] = nil }
      return entry.plan
    }

    /// Removes the least recently used plan that only the cache holds.
    mutating func removeOldestIdle() -> Plan? {
      var busy: [PlanKey] = []
      defer {
        for key in busy { renew(key) }
        dropOldUses()
      }
      while firstUse < uses.count {
        let (key, time) = uses[firstUse]
        firstUse += 1
        guard entries[key]?.lastUse == time else { continue }
        if isIdle(key) { return remove(key) }
        busy.append(key)
      }
      return nil
    }

    /// Removes the least recently used plans of a rest or a round beyond `most`.
    mutating func removeOldest(of graph: PlanIdentity, beyond most: Int) -> [Plan] {
      let keys = parts[graph] ?? []
      guard keys.count > most else { return [] }
      let oldest = keys.sorted { (entries[$0]?.lastUse ?? 0) < (entries[$1]?.lastUse ?? 0) }
      return oldest.prefix(keys.count - most).compactMap { remove($0) }
    }

    private mutating func isIdle(_ key: PlanKey) -> Bool {
      guard let index = entries.index(forKey: key) else { return false }
      return isKnownUniquelyReferenced(&entries.values[index].plan)
    }
  }

  private let state = Locked(State())
  private let ledger: MemoryLedger

  /// - Parameter capacity: the most bytes that plans may keep, in the cache and beside it.
  init(capacity: Int) { ledger = MemoryLedger(capacity: capacity) }

  subscript(key: PlanKey) -> Plan? {
    state.withLock { state in
      state.touch(key)
      return state.entries[key]?.plan
    }
  }

  /// The share of a plan that is going to be made.
  func makeBytes() -> MemoryShare {
    MemoryShare(ledger) { [weak self] bytes in self?.evict(bytes) ?? false }
  }

  /// Keeps `plan`, unless its model was forgotten.
  /// - Parameter most: the most plans that are kept of a graph which is a rest or a round: data, and so whoever sends them, decide
  ///   how many there could be. `nil` for a model's own graph.
  func insert(_ plan: Plan, for key: PlanKey, most: Int? = nil) {
    let replaced: [Plan?] = state.withLock { state in
      // A forgotten model is not planned again.
      guard plan.model.isPlannedAgain else { return [] }
      let replaced = state.remove(key)
      state.entries[key] = Entry(plan: plan, lastUse: 0)
      state.keys[plan.model.identity.number, default: []].insert(key)
      state.touch(key)
      guard let most else { return [replaced] }
      state.parts[key.graph, default: []].insert(key)
      return state.removeOldest(of: key.graph, beyond: most) + [replaced]
    }
    // Its bytes come back outside the lock.
    withExtendedLifetime(replaced) {}
  }

  /// Drops all plans of `model`, and keeps none of it from now on.
  func forget(_ model: LinkableModel) {
    let plans = state.withLock { state in
      model.endPlanning()
      return (state.keys[model.identity.number] ?? []).compactMap { state.remove($0) }
    }
    withExtendedLifetime(plans) {}
  }

  /// Drops idle plans, the least recently used first, until they gave back so many bytes or none is left.
  /// - Returns: false when there was none.
  private func evict(_ bytes: Int) -> Bool {
    let plans = state.withLock { state in
      var plans: [Plan] = []
      var freed = 0
      while freed < bytes, let plan = state.removeOldestIdle() {
        plans.append(plan)
        freed += plan.bytes.byteCount
      }
      return plans
    }
    return !plans.isEmpty
  }

  /// Bytes of all plans, those that only requests hold included, and the number of plans in the cache.
  var usage: (bytes: Int, plans: Int) { (ledger.usedBytes, state.withLock { $0.entries.count }) }

  var capacity: Int { ledger.capacity }
}
