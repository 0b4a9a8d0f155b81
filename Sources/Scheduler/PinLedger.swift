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

  private(set) var models: [ModelID: [ResidencyItem]] = [:]

  /// Notes the pin.
  /// - Parameters:
  ///   - items: all weights of the model.
  ///   - others: what models that were seen so far take; the largest of them has to fit beside what is pinned.
  /// - Throws: ``SchedulerError`` when it does not.
  mutating func add(
    _ id: ModelID, named name: String, _ items: [ResidencyItem], beside others: some Sequence<Need>,
    budget: Int
  ) throws(SchedulerError) {
    guard models[id] == nil else { return }
    var sizes: [ItemID: Int] = [:]
    for item in models.values.joined() { sizes[item.id] = item.byteCount }
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
    models[id] = items
  }

  /// Takes the pin back.
  /// - Returns: the weights that were pinned for it.
  mutating func remove(_ id: ModelID) -> [ResidencyItem] { models.removeValue(forKey: id) ?? [] }
}
