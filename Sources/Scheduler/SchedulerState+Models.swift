extension SchedulerState {
  /// How long the model stays resident while nobody uses it; `nil`: the server's setting.
  package mutating func setKeepAlive(_ keepAlive: UInt64?, of id: ModelID, named name: String) {
    use(id, named: name) { $0.keepAlive = keepAlive }
  }

  /// The model stays resident from now on.
  package mutating func pinned(_ id: ModelID, named name: String) {
    use(id, named: name) {
      $0.isPinned = true
      $0.isUnwanted = false
      $0.expiry = nil
    }
  }

  /// The model may leave again.
  package mutating func unpinned(_ id: ModelID, now: UInt64) -> [SchedulerAction] {
    guard models[id]?.isPinned == true else { return [] }
    use(id) { $0.isPinned = false }
    return models[id]?.isIdle == true ? idled(id, keepAlive: nil, now: now) : []
  }

  /// The model's weights leave as soon as nobody uses it.
  package mutating func evicted(_ id: ModelID, named name: String, now: UInt64) -> [SchedulerAction] {
    use(id, named: name) { $0.isUnwanted = true }
    return models[id]?.isIdle == true ? idled(id, keepAlive: nil, now: now) : []
  }

  /// The model's new requests are refused until its last one has been answered.
  package mutating func drained(_ id: ModelID, named name: String) -> [SchedulerAction] {
    use(id, named: name) { $0.isDraining = true }
    return drainedIfIdle(id)
  }

  /// All new requests are refused from now on.
  package mutating func drainedAll() -> [SchedulerAction] {
    isDraining = true
    return waiting.isEmpty && running.isEmpty ? [.drained(nil)] : []
  }

  /// A member of the model has ended, or a request of it is gone.
  mutating func idled(_ id: ModelID, keepAlive: UInt64?, now: UInt64) -> [SchedulerAction] {
    guard let model = models[id], model.isIdle else { return allDrainedIfIdle() }
    var actions = drainedIfIdle(id)
    let setting = keepAlive ?? model.keepAlive ?? limits.keepAlive
    if model.isPinned {
      models[id]?.expiry = nil
    } else if model.isUnwanted || setting == 0 {
      models[id]?.isUnwanted = false
      models[id]?.expiry = nil
      actions.append(.expire(id))
    } else if let setting {
      let (expiry, overflow) = now.addingReportingOverflow(setting)
      models[id]?.expiry = overflow ? nil : expiry
    }
    return actions + allDrainedIfIdle()
  }

  /// Models that nobody has used for as long as they are kept leave.
  mutating func expireIdle(now: UInt64) -> [SchedulerAction] {
    let expired = models.filter { _, model in
      model.expiry.map { $0 <= now } ?? false
    }
    for (id, _) in expired { models[id]?.expiry = nil }
    return expired.filter { $0.value.isIdle && !$0.value.isPinned }
      .sorted { $0.value.lastUse < $1.value.lastUse }.map { .expire($0.key) }
  }

  private mutating func drainedIfIdle(_ id: ModelID) -> [SchedulerAction] {
    guard let model = models[id], model.isDraining, model.isIdle else { return [] }
    models[id]?.isDraining = false
    return [.drained(id)]
  }

  private func allDrainedIfIdle() -> [SchedulerAction] {
    isDraining && waiting.isEmpty && running.isEmpty ? [.drained(nil)] : []
  }
}
