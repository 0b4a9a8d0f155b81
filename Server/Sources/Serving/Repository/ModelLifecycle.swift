import Linker
import ModelStore
import Scheduler

/// Brings models into service and takes them out of it, so that the catalog and the scheduler say the same.
struct ModelLifecycle: Sendable {
  let catalog: ModelCatalog
  let scheduler: Scheduler

  /// Keeps the newest version of a model as the name's settings say now.
  /// - Throws: ``ServiceError`` when it cannot be opened; what pinning throws.
  func follow(_ name: String) async throws {
    let settings = catalog.entries[name]?.effectiveSettings ?? ModelSettings()
    let model = try await catalog.model(name, version: nil)
    scheduler.setKeepAlive(settings.keepAlive, of: model)
    // Before the pins of others are taken back: what was resident stays so where it fits beside.
    if settings.isPinned == true {
      try await scheduler.pin(model)
    } else {
      scheduler.unpin(model)
    }
    for other in catalog.opened(name) where other.version != model.version {
      scheduler.setKeepAlive(settings.keepAlive, of: other)
      scheduler.unpin(other)
    }
  }

  /// Takes no more requests for a name, and returns when the last has been answered and its weights may leave.
  func unload(_ name: String) async {
    let turn = catalog.beginUnloading(name)
    for model in catalog.opened(name) { await end(model) }
    catalog.endUnloading(name, turn)
  }

  /// Takes versions out of service as ``unload(_:)`` does, and then out of the store.
  /// - Throws: what removing them from the store throws.
  func retire(_ name: String, versions: [Int], from store: ModelStore, on work: BlockingWork) async throws {
    catalog.beginLeaving(name, versions)
    for model in catalog.opened(name) where versions.contains(model.version) { await end(model) }
    catalog.close(name, versions)
    try await work.run {
      for version in versions {
        do { try store.remove(name, version: version) } catch let error as StoreError {
          // Somebody else has removed it.
          guard error.kind == .notFound else { throw error }
        }
      }
    }
  }

  /// Refuses new requests for a model, waits for the last, and lets its weights leave.
  func end(_ model: LinkableModel) async {
    await scheduler.drain(model)
    scheduler.unpin(model)
    scheduler.evict(model)
  }
}
