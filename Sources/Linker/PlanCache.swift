import Device
import Synchronization
import Tensors

/// What a plan is made for: equal keys give equal plans.
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
  private let number = counter.wrappingAdd(1, ordering: .relaxed).newValue
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

/// Plans that were made, the least recently used leaving first when their bytes exceed the cap.
final class PlanCache: Sendable {
  private struct Entry {
    var plan: Plan
    var lastUse: UInt64
  }

  private struct State {
    var entries: [PlanKey: Entry] = [:]
    var clock: UInt64 = 0
    var bytes = 0
  }

  private let state = Locked(State())
  private let capacity: Int

  /// - Parameter capacity: the most bytes that the plans may keep.
  init(capacity: Int) { self.capacity = capacity }

  subscript(key: PlanKey) -> Plan? {
    state.withLock { state in
      state.clock += 1
      state.entries[key]?.lastUse = state.clock
      return state.entries[key]?.plan
    }
  }

  func insert(_ plan: Plan, for key: PlanKey) {
    state.withLock { state in
      state.clock += 1
      if let old = state.entries.updateValue(Entry(plan: plan, lastUse: state.clock), forKey: key) {
        state.bytes -= old.plan.footprint
      }
      state.bytes += plan.footprint
      while state.bytes > capacity, state.entries.count > 1,
        let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse })
      {
        state.bytes -= oldest.value.plan.footprint
        state.entries[oldest.key] = nil
      }
    }
  }

  /// Bytes and number of the plans that are kept.
  var usage: (bytes: Int, plans: Int) { state.withLock { ($0.bytes, $0.entries.count) } }
}
