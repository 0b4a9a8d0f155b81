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

/// Plans that were made, the least recently used leaving first when their bytes exceed the cap.
///
/// A plan keeps its model, and so the model's file, open. The cap bounds these too, loosely: a plan counts at least 256
/// bytes, each of its kernels at least 512 and, where the library compiles code for it, some tens of KiB. So the default
/// of 256 MiB holds the plans, and keeps open the files, of hundreds of models of the usual size.
final class PlanCache: Sendable {
  private struct Entry {
    var plan: Plan
    /// The bytes that the plan and its key keep.
    var byteCount: Int
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
    let byteCount = key.decisions.reduce(plan.footprint) { $0 + $1.bytes.count }
    state.withLock { state in
      state.clock += 1
      let entry = Entry(plan: plan, byteCount: byteCount, lastUse: state.clock)
      if let old = state.entries.updateValue(entry, forKey: key) { state.bytes -= old.byteCount }
      state.bytes += byteCount
      while state.bytes > capacity, state.entries.count > 1,
        let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse })
      {
        state.bytes -= oldest.value.byteCount
        state.entries[oldest.key] = nil
      }
    }
  }

  /// Bytes and number of the plans that are kept.
  var usage: (bytes: Int, plans: Int) { state.withLock { ($0.bytes, $0.entries.count) } }
}
