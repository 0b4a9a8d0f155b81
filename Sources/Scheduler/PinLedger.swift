import Device
import Residency

/// Tracks pinned models, and decides whether one more fits: the pure part.
package struct PinLedger: Sendable {
  /// The memory that a model takes while it runs.
  package struct Need: Sendable {
    /// Its weights.
    var items: [ResidencyItem]
    /// Bytes of activations and tensors.
    var extraBytes: Int

    var byteCount: Int { extraBytes.adding(saturating: items.map(\.byteCount).saturatingSum) }

    package init(items: [ResidencyItem], extraBytes: Int) {
      self.items = items
      self.extraBytes = extraBytes
    }
  }

  /// One model's pin.
  private struct Pin: Sendable {
    /// All weights of the model.
    var items: [ResidencyItem]
    /// Tells it from an earlier one of the same model.
    var number: UInt64
    /// True if the weights are resident and pinned.
    var isComplete = false
  }

  /// The next step for a requested pin.
  package enum Step: Sendable, Equatable {
    /// The weights are there, and pinned.
    case done
    /// Another caller loads the weights.
    case wait(UInt64)
    /// Bring them in, and say ``PinLedger/complete(_:_:)``. Before, unpin what the pins held that gave way.
    case load(UInt64, unpinning: [ResidencyItem])
  }

  private var pins: [ModelID: Pin] = [:]
  private var numbers: UInt64 = 0

  package init() {}

  /// Notes the pin.
  /// - Parameters:
  ///   - items: all weights of the model.
  ///   - needs: the needs of models seen so far. The largest of those that fit the budget at all must fit
  ///     beside the pinned models.
  ///   - predecessors: models that it replaces. Their pins are released if it does not fit beside them. It
  ///     always fits if no more is pinned then than before.
  /// - Throws: ``SchedulerError`` if it does not fit; nothing has changed then.
  package mutating func add(
    _ id: ModelID, named name: String, _ items: [ResidencyItem], beside needs: [ModelID: Need],
    replacing predecessors: Set<ModelID> = [], budget: Int
  ) throws(SchedulerError) -> Step {
    if let pin = pins[id] { return pin.isComplete ? .done : .wait(pin.number) }
    var released: [ResidencyItem] = []
    if let error = obstacle(named: name, items, beside: needs, without: [], budget: budget) {
      guard !predecessors.isEmpty else { throw error }
      if let error = obstacle(named: name, items, beside: needs, without: predecessors, budget: budget) {
        throw error
      }
      released = predecessors.flatMap { remove($0) }
    }
    numbers += 1
    pins[id] = Pin(items: items, number: numbers)
    return .load(numbers, unpinning: released)
  }

  /// The weights that are pinned, or are about to be, with their sizes.
  private func sizes(without: Set<ModelID>) -> [ItemID: Int] {
    var sizes: [ItemID: Int] = [:]
    for (id, pin) in pins where !without.contains(id) {
      for item in pin.items { sizes[item.id] = item.byteCount }
    }
    return sizes
  }

  private func obstacle(
    named name: String, _ items: [ResidencyItem], beside needs: [ModelID: Need], without: Set<ModelID>,
    budget: Int
  ) -> SchedulerError? {
    var sizes = sizes(without: without)
    let pinned = sizes.values.saturatingSum
    for item in items { sizes[item.id] = item.byteCount }
    let all = sizes.values.saturatingSum
    if !without.isEmpty, all <= self.sizes(without: []).values.saturatingSum { return nil }
    let largest =
      needs.lazy.filter { id, need in !without.contains(id) && need.byteCount <= budget }.map { _, need in
        need.items.reduce(need.extraBytes) { $0.adding(saturating: sizes[$1.id] == nil ? $1.byteCount : 0) }
      }.max() ?? 0
    guard all.adding(saturating: largest) > budget else { return nil }
    return SchedulerError(
      .pinDoesNotFit(model: name, bytes: all - pinned, pinned: pinned, largest: largest, budget: budget))
  }

  /// The pin's weights are there, and pinned.
  /// - Returns: false when it was taken back meanwhile.
  package mutating func complete(_ id: ModelID, _ number: UInt64) -> Bool {
    guard pins[id]?.number == number else { return false }
    pins[id]?.isComplete = true
    return true
  }

  /// Takes the pin back.
  /// - Parameter number: of which pin; `nil`: whichever there is.
  /// - Returns: the weights that have to be unpinned.
  package mutating func remove(_ id: ModelID, _ number: UInt64? = nil) -> [ResidencyItem] {
    guard let pin = pins[id], number == nil || pin.number == number else { return [] }
    pins[id] = nil
    return pin.isComplete ? pin.items : []
  }
}
