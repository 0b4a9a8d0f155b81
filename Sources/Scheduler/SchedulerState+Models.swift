extension SchedulerState {
  /// Sets the time that the model stays resident while it is idle; `nil` for the server's setting.
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
    let setting = limits.keepAlive
    return leave(id, now: now) { model in
      model.expiry = (model.keepAlive ?? setting).flatMap { SchedulerState.time($0, after: now) }
    }
  }

  /// The model's weights leave as soon as nobody uses it.
  package mutating func evicted(_ id: ModelID, named name: String, now: UInt64) -> [SchedulerAction] {
    use(id, named: name) { $0.isUnwanted = true }
    return leave(id, now: now) { _ in }
  }

  /// False while a request for the model waits or runs, or it is pinned.
  package func isIdle(_ id: ModelID) -> Bool { models[id].map { $0.isIdle && !$0.isPinned } ?? true }

  /// Nobody will ask for the model again.
  /// - Returns: false when somebody still uses it: then it stays.
  package mutating func forget(_ id: ModelID) -> Bool {
    guard let model = models[id] else { return true }
    guard model.isIdle, !model.isPinned else { return false }
    models[id] = nil
    return true
  }

  /// The model's new requests are refused until its last one has been answered.
  package mutating func drained(_ id: ModelID, named name: String) -> [SchedulerAction] {
    use(id, named: name) { $0.isDraining = true }
    return drainedIfIdle(id)
  }

  /// All new requests are refused from now on.
  package mutating func drainedAll() -> [SchedulerAction] {
    isDraining = true
    return allDrainedIfIdle()
  }

  /// A time that is so much later; `nil` when no clock gets there.
  static func time(_ span: UInt64, after now: UInt64) -> UInt64? {
    let (time, overflow) = now.addingReportingOverflow(span)
    return overflow ? nil : time
  }

  /// Somebody is done with the model: when nobody uses it any more, its time begins, or ends.
  /// - Parameter begin: sets until when its weights stay.
  mutating func leave(_ id: ModelID, now: UInt64, _ begin: (inout Model) -> Void) -> [SchedulerAction] {
    guard var model = models[id], model.isIdle else { return allDrainedIfIdle() }
    begin(&model)
    if model.isPinned { model.expiry = nil }
    let isOver = !model.isPinned && (model.isUnwanted || model.expiry.map { $0 <= now } ?? false)
    if isOver {
      model.isUnwanted = false
      model.expiry = nil
    }
    models[id] = model
    return (isOver ? [.expire(id)] : []) + drainedIfIdle(id) + allDrainedIfIdle()
  }

  /// Models that nobody has used for as long as they are kept leave.
  mutating func expireIdle(now: UInt64) -> [SchedulerAction] {
    func isExpired(_ model: Model) -> Bool { model.isIdle && (model.expiry.map { $0 <= now } ?? false) }
    guard models.values.contains(where: isExpired) else { return [] }
    let expired = models.filter { isExpired($0.value) }.sorted { $0.value.lastUse < $1.value.lastUse }
    return expired.flatMap { leave($0.key, now: now) { _ in } }
  }

  private mutating func drainedIfIdle(_ id: ModelID) -> [SchedulerAction] {
    guard let model = models[id], model.isDraining, model.isIdle else { return [] }
    models[id]?.isDraining = false
    return [.drained(id)]
  }

  private func allDrainedIfIdle() -> [SchedulerAction] {
    isDraining && waiting.isEmpty && running.isEmpty && pipelines.isEmpty ? [.drained(nil)] : []
  }
}
