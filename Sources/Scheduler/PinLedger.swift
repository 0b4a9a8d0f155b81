import Residency

/// Which models are pinned, and whether one more fits: the pure part.
struct PinLedger: Sendable {
  /// What a model takes while it runs.
  struct Need: Sendable {
    /// Its weights.
    var items: [ResidencyItem]
    /// Bytes of activations and tensors.
    var extraBytes: Int
  }

  /// One model's pin.
  struct Pin: Sendable {
    /// All weights of the model.
    var items: [ResidencyItem]
    /// Tells it from an earlier one of the same model.
    var number: UInt64
    /// Whether the weights are there, and pinned.
    var isComplete = false
  }

  private(set) var pins: [ModelID: Pin] = [:]
  private var numbers: UInt64 = 0

  /// Notes the pin.
  /// - Parameters:
  ///   - items: all weights of the model.
  ///   - others: what models that were seen so far take; the largest of them has to fit beside what is pinned.
  /// - Returns: the pin's number; `nil` when the model is pinned already.
  /// - Throws: ``SchedulerError`` when it does not.
  mutating func add(
    _ id: ModelID, named name: String, _ items: [ResidencyItem], beside others: some Sequence<Need>,
    budget: Int
  ) throws(SchedulerError) -> UInt64? {
    guard pins[id] == nil else { return nil }
    var sizes: [ItemID: Int] = [:]
    for item in pins.values.lazy.flatMap(\.items) { sizes[item.id] = item.byteCount }
    let pinned = sizes.values.reduce(0, +)
    for item in items { sizes[item.id] = item.byteCount }
    let all = sizes.values.reduce(0, +)
    let largest =
      others.map { need in
        need.items.reduce(need.extraBytes) { $0 + (sizes[$1.id] == nil ? $1.byteCount : 0) }
      }.max() ?? 0
    guard all + largest <= budget else {
      throw SchedulerError(
        .pinDoesNotFit(model: name, bytes: all - pinned, pinned: pinned, largest: largest, budget: budget))
    }
    numbers += 1
    pins[id] = Pin(items: items, number: numbers)
    return numbers
  }

  /// The pin's weights are there, and pinned.
  /// - Returns: false when it was taken back meanwhile.
  mutating func complete(_ id: ModelID, _ number: UInt64) -> Bool {
    guard pins[id]?.number == number else { return false }
    pins[id]?.isComplete = true
    return true
  }

  /// Takes the pin back.
  /// - Parameter number: of which pin; `nil`: whichever there is.
  /// - Returns: the weights that have to be unpinned.
  mutating func remove(_ id: ModelID, _ number: UInt64? = nil) -> [ResidencyItem] {
    guard let pin = pins[id], number == nil || pin.number == number else { return [] }
    pins[id] = nil
    return pin.isComplete ? pin.items : []
  }
}
