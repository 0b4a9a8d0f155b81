import Executor
import Foundation
import Linker
import Residency

extension Scheduler {
  /// Loads the model and keeps it resident until it is unpinned. Returns once it is resident. Concurrent
  /// calls for one model share the work.
  /// - Parameter predecessors: models that it replaces. If it does not fit beside their pins, these are
  ///   released first.
  /// - Throws: ``SchedulerError`` if it does not fit beside the pinned models and the memory that others need
  ///   to run, or if it is closed or unpinned meanwhile; `ResidencyError`, or the error that prevented its
  ///   weights from being loaded.
  public func pin(_ model: LinkableModel, replacing predecessors: [LinkableModel] = []) async throws {
    let id = ModelID(model)
    let items = model.file.extents.indices.map { model.item(extent: $0) }
    let replaced = Set(predecessors.map { ModelID($0) }).subtracting([id])
    let coming: Task<Void, any Error>? = try core.withLock { core in
      guard !core.closed.contains(model) else { throw SchedulerError(.unloading(model: model.name)) }
      remember(model, plan: nil, in: &core)
      // Of the model itself only what it takes beside its weights.
      let step = try core.pins.add(
        id, named: model.name, items, beside: core.models.mapValues(\.need), replacing: replaced,
        budget: engine.residency.budget)
      switch step {
      case .done: return nil
      case .wait(let number): return core.pinning[number]
      case .load(let number, let unpinned):
        let task = Task { try await bringIn(model, items, number, unpinning: unpinned, of: replaced) }
        core.pinning[number] = task
        return task
      }
    }
    try await coming?.value
  }

  /// Has a pin's weights loaded and stay.
  private func bringIn(
    _ model: LinkableModel, _ items: [ResidencyItem], _ number: UInt64, unpinning unpinned: [ResidencyItem],
    of predecessors: Set<ModelID>
  ) async throws {
    let id = ModelID(model)
    defer { core.withLock { $0.pinning[number] = nil } }
    if !unpinned.isEmpty {
      for item in unpinned { engine.residency.unpin(item.id) }
      decide { core in
        predecessors.flatMap { core.machine.unpinned($0, now: monotonicNanoseconds()) }
      }
    }
    do {
      let lease = try await load(model, items)
      defer { lease.release() }
      for item in items { engine.residency.pin(item.id) }
      var isPinned = false
      decide { core in
        isPinned = core.pins.complete(id, number)
        guard isPinned else { return [] }
        core.machine.pinned(id, named: model.name)
        core.models[id]?.isLive = true
        return []
      }
      if isPinned { return }
      for item in items { engine.residency.unpin(item.id) }
    } catch {
      _ = core.withLock { $0.pins.remove(id, number) }
      throw error
    }
    throw SchedulerError(.unpinned(model: model.name))
  }

  /// Brings all of a model's weights in.
  private func load(_ model: LinkableModel, _ items: [ResidencyItem]) async throws -> Lease {
    let requests = items.indices.map { index in
      ItemRequest(item: items[index], source: .load(model.load(extent: index, way: .mapped)))
    }
    let lease = try await engine.residency.reserve(owner: model.name, items: requests, exclusiveBytes: 0)
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      work.async {
        continuation.resume(with: Result { for item in items { _ = try lease.ticket(for: item.id).wait() } })
      }
    }
    return lease
  }

  /// Takes the pin back.
  public func unpin(_ model: LinkableModel) {
    let id = ModelID(model)
    let items = core.withLock { $0.pins.remove(id) }
    for item in items { engine.residency.unpin(item.id) }
    // It may leave at once.
    decide { core in core.machine.unpinned(id, now: monotonicNanoseconds()) }
  }

  /// Sets the time that this model stays resident while it is idle; `nil` for the scheduler's setting.
  public func setKeepAlive(_ keepAlive: Duration?, of model: LinkableModel) {
    decide { core in
      guard !core.closed.contains(model) else { return [] }
      remember(model, plan: nil, in: &core)
      core.machine.setKeepAlive(keepAlive?.clampedNanoseconds, of: ModelID(model), named: model.name)
      return []
    }
  }

  /// Evicts the model's weights once they are unused. Pinned weights stay.
  public func evict(_ model: LinkableModel) {
    decide { core in
      remember(model, plan: nil, in: &core)
      return core.machine.evicted(ModelID(model), named: model.name, now: monotonicNanoseconds())
    }
  }

  /// Refuses the model's new requests; returns when the last that waited or ran has been answered. They are taken again
  /// from then on.
  public func drain(_ model: LinkableModel) async {
    let id = ModelID(model)
    await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
      decide { core in
        core.drains[id, default: []].append { continuation.resume() }
        return core.machine.drained(id, named: model.name)
      }
    }
  }

  /// Takes the model out of service for good. It refuses the model's new requests, waits until the last
  /// waiting or running one has been answered, releases its pin, evicts its weights and forgets it and its plans. Opening
  /// the file again makes a new model.
  public func close(_ model: LinkableModel) async {
    core.withLock { $0.closed.insert(model) }
    await drain(model)
    unpin(model)
    evict(model)
    engine.planner.forget(model)
    core.withLock { core in
      let id = ModelID(model)
      if core.machine.forget(id) { core.models[id] = nil }
    }
  }

  /// False while a request for the model waits or runs, or it is pinned.
  public func isIdle(_ model: LinkableModel) -> Bool {
    core.withLock { $0.machine.isIdle(ModelID(model)) }
  }

  /// Refuses new requests; returns when all that waited or ran have been answered.
  public func drain() async {
    await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
      decide { core in
        core.drainsOfAll.append { continuation.resume() }
        return core.machine.drainedAll()
      }
    }
  }
}
