import Linker
import ModelStore
import Scheduler

/// Brings models into service and takes them out of it, so that the catalog and the scheduler say the same.
struct ModelLifecycle: Sendable {
  let catalog: ModelCatalog
  let scheduler: Scheduler

  /// Keeps a model as its name's settings say. A pin belongs to the name: its newest version has it.
  /// - Throws: ``ServiceError`` when the newest version cannot be opened; what pinning throws: no version is pinned then.
  func follow(_ name: String) async throws {
    while true {
      let settings = catalog.settings(of: name)
      let model = try await catalog.model(name, version: nil)
      let others = catalog.opened(name).filter { $0 !== model }
      for version in [model] + others { scheduler.setKeepAlive(settings.keepAlive, of: version) }
      do {
        if settings.isPinned == true {
          try await scheduler.pin(model, replacing: others)
        } else {
          scheduler.unpin(model)
        }
      } catch {
        guard isCurrent(model, settings) else { continue }
        for other in others { scheduler.unpin(other) }
        throw error
      }
      // After the newest is pinned: what they share stays resident.
      for other in others { scheduler.unpin(other) }
      if isCurrent(model, settings) { return }
    }
  }

  /// False when another version has become the newest meanwhile, or something else was said of how it is kept.
  private func isCurrent(_ model: LinkableModel, _ settings: ModelSettings) -> Bool {
    catalog.newestOpen(model.name) === model && catalog.settings(of: model.name) == settings
  }

  /// Reads the store's listing again, and closes what has left it.
  /// - Returns: pinned names whose newest version is another one than before: ``follow(_:)`` them.
  func refresh() async throws -> [String] {
    let changes = try await catalog.refresh()
    // Requests that these models still run do not make others wait.
    if !changes.closed.isEmpty { Task { await close(changes.closed) } }
    return changes.renewed.filter { catalog.settings(of: $0).isPinned == true }
  }

  /// Takes no more requests for a name, and returns when the last has been answered and its weights may leave.
  func unload(_ name: String) async {
    let (turn, models) = catalog.beginUnloading(name)
    await close(models)
    catalog.endUnloading(name, turn)
  }

  /// Closes what is open of a version whose file has been replaced: the next request opens the new one.
  func reopen(_ version: ModelVersion) async {
    // A model that is being opened just now may be the old file.
    await catalog.opening(version)
    await close(catalog.close(version))
  }

  /// Takes versions out of service as ``unload(_:)`` does, and then out of the store.
  /// - Throws: what removing them from the store throws.
  func retire(_ name: String, versions: [Int], from store: ModelStore, on work: BlockingWork) async throws {
    await close(catalog.beginLeaving(name, versions))
    try await work.run {
      for version in versions {
        do { try store.remove(name, version: version) } catch let error as StoreError {
          // Somebody else has removed it.
          guard error.kind == .notFound else { throw error }
        }
      }
    }
  }

  /// Refuses new requests for models that are given out no more, waits for the last, and lets their weights leave.
  func close(_ models: [LinkableModel]) async {
    await withDiscardingTaskGroup { group in
      for model in models { group.addTask { await scheduler.close(model) } }
    }
  }
}
