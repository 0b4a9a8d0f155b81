import Executor
import Foundation
import Linker
import Residency

extension Scheduler {
  /// Brings the model in and keeps it resident until it is unpinned.
  /// - Throws: ``SchedulerError`` when it does not fit beside what is pinned and what others need to run;
  ///   `ResidencyError`, or why its weights could not be loaded.
  public func pin(_ model: LinkableModel) async throws {
    let id = ModelID(model)
    let items = model.file.extents.indices.map { model.item(extent: $0) }
    let isNew = try core.withLock { core in
      remember(model, plan: nil, in: &core)
      guard core.pins.models[id] == nil else { return false }
      // Of the model itself only what it takes beside its weights.
      let needs = core.models.values.map(\.need)
      try core.pins.add(id, named: model.name, items, beside: needs, budget: engine.residency.budget)
      return true
    }
    guard isNew else { return }
    do {
      let requests = items.indices.map { index in
        ItemRequest(item: items[index], source: .load(model.load(extent: index, way: .mapped)))
      }
      let lease = try await engine.residency.reserve(owner: model.name, items: requests, exclusiveBytes: 0)
      defer { lease.release() }
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        work.async {
          continuation.resume(
            with: Result { for item in items { _ = try lease.ticket(for: item.id).wait() } })
        }
      }
      // It may have been unpinned meanwhile.
      let isPinned = core.withLock { core in
        guard core.pins.models[id] != nil else { return false }
        for item in items { engine.residency.pin(item.id) }
        return true
      }
      guard isPinned else { return }
      decide { core in
        core.machine.pinned(id, named: model.name)
        core.models[id]?.isLive = true
        return []
      }
    } catch {
      _ = core.withLock { $0.pins.remove(id) }
      throw error
    }
  }

  /// Takes the pin back.
  public func unpin(_ model: LinkableModel) {
    let id = ModelID(model)
    var items: [ResidencyItem] = []
    decide { core in
      let isPinned = core.machine.busyModels.contains { $0.id == id && $0.isPinned }
      let removed = core.pins.remove(id)
      // One whose weights are still coming in has pinned nothing yet.
      items = isPinned ? removed : []
      return core.machine.unpinned(id, now: monotonicNanoseconds())
    }
    for item in items { engine.residency.unpin(item.id) }
  }

  /// How long this model stays resident while nobody uses it; `nil`: the scheduler's setting.
  public func setKeepAlive(_ keepAlive: Duration?, of model: LinkableModel) {
    decide { core in
      remember(model, plan: nil, in: &core)
      core.machine.setKeepAlive(keepAlive?.clampedNanoseconds, of: ModelID(model), named: model.name)
      return []
    }
  }

  /// Throws the model's weights out, once nobody uses them. What is pinned stays.
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
