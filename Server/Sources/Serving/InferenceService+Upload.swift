import Device
import InferenceProtocol
import Linker
import ModelStore
import Repository

/// Models that clients send with load requests.
///
/// A model is compiled into a store of its own, below the upload's folder. Its versions move to the server's store once nothing
/// is in their way: an upload that is refused leaves everything as it was.
extension InferenceService {
  /// Adds the versions that a load request contains.
  /// - Throws: ``ServiceError``, or another error; nothing has changed then.
  func upload(_ request: ModelLoadRequest) async throws {
    guard configuration.allowsUploads else {
      throw ServiceError(
        .forbidden, "uploads are off; start the server with --uploads to allow model files in load requests")
    }
    await uploads.begin(request.model)
    let result: Result<Void, any Error>
    do { result = .success(try await add(request)) } catch { result = .failure(error) }
    await uploads.end(request.model)
    try result.get()
  }

  /// A version that was compiled and is not in the server's store yet.
  private struct Staged: Sendable {
    /// The version in the upload's store.
    var version: Int
    /// The version that it becomes; `nil`: the store numbers it.
    var number: Int?

    /// Replaces only what was sent before.
    var place: ModelStore.Place {
      let notes = VersionNotes(origin: .upload, folder: "", fingerprint: "")
      return number.map { .number($0) { notes.mayReplace(VersionNotes(options: $0)) } } ?? .next
    }
  }

  private func add(_ request: ModelLoadRequest) async throws {
    let name = request.model
    let store = engine.models.store
    let folder = try await repository.work.run {
      try UploadFolder(in: store.directory, files: request.files)
    }
    defer { withExtendedLifetime(folder) {} }
    var staged: [Staged] = []
    for version in folder.versions {
      let outcome = await repository.add(
        name, number: version.number, path: version.path, staging: folder.staging)
      try InferenceService.check(outcome, of: name)
      if case .compiled(let made) = outcome { staged.append(Staged(version: made, number: version.number)) }
    }
    let origin = try ModelStore(directory: folder.staging)
    let trial = try await checked(request, staged, in: origin)
    let result: Result<Void, any Error>
    do {
      result = .success(try await serve(request, staged, from: origin))
    } catch { result = .failure(error) }
    // Until now its pin has kept the room for the version that is served.
    if let trial { await scheduler.close(trial) }
    if case .failure = result { await pinAgain(name) }
    try result.get()
  }

  private func serve(
    _ request: ModelLoadRequest, _ staged: [Staged], from origin: ModelStore
  ) async throws {
    let name = request.model
    let store = engine.models.store
    guard !staged.isEmpty else { return try await finish(request) }
    let added: [(version: Int, isReplaced: Bool)]
    do {
      added = try await repository.work.run {
        try store.adopt(name, from: origin, staged.map { ($0.version, $0.place) })
      }
    } catch let error as StoreError where error.kind == .invalidModel {
      throw ServiceError(.invalidRequest, "model '\(shown(name))' could not be added: \(error)")
    }
    do {
      try await reopen(name, added)
      try await finish(request)
    } catch {
      await revert(name, staged, added, from: origin)
      throw error
    }
    await repository.adopted(name, versions: added.map(\.version))
  }

  /// Has the next requests open what the store has now.
  private func reopen(_ name: String, _ versions: [(version: Int, isReplaced: Bool)]) async throws {
    for changed in try await lifecycle.refresh() where changed != name {
      repository.followSettings(of: changed)
    }
    for (version, isReplaced) in versions where isReplaced {
      await lifecycle.reopen(ModelVersion(name, version))
    }
  }

  /// Puts back what an upload has replaced, and removes what it has added.
  private func revert(
    _ name: String, _ staged: [Staged], _ added: [(version: Int, isReplaced: Bool)], from origin: ModelStore
  ) async {
    let store = engine.models.store
    do {
      let replaced = zip(staged, added).filter { $1.isReplaced }.map { ($0.version, $1.version) }
      try await repository.work.run {
        let places = replaced.map { (version: $0, place: ModelStore.Place.number($1) { _ in true }) }
        if !places.isEmpty { _ = try store.adopt(name, from: origin, places) }
      }
      try await lifecycle.retire(
        name, versions: added.filter { !$0.isReplaced }.map(\.version), from: store, on: repository.work)
      try await reopen(name, added)
    } catch {
      log.error(
        "a refused upload stays in the store", metadata: ["model": "\(shown(name))", "reason": "\(error)"])
    }
  }

  /// Checks what a request asks for against the version that will be the newest, before anything changes.
  /// - Returns: that version, if it is to be pinned: pinned, and to be closed.
  /// - Throws: ``ServiceError`` for a configuration that cannot be followed; what pinning throws.
  private func checked(
    _ request: ModelLoadRequest, _ staged: [Staged], in origin: ModelStore
  ) async throws -> LinkableModel? {
    let name = request.model
    let isPinned = request.settings.over(catalog.settings(of: name)).isPinned == true
    guard isPinned || request.hasOverrides else { return nil }
    let known = catalog.entries[name]?.newest
    let newest = staged.max { ($0.number ?? .max) < ($1.number ?? .max) }
    let models = engine.models
    let graphBytes = engine.configuration.modelCacheBytes
    let model = try await repository.work.run {
      guard let newest, (newest.number ?? .max) >= known ?? 0 else {
        return try models.open(name, version: known)
      }
      // An account of its own: for a moment its graph is there twice.
      return try LinkableModel(
        try origin.open(name, version: newest.version), ledger: MemoryLedger(capacity: graphBytes))
    }
    if request.hasOverrides {
      try request.check(against: modelConfig(metadata(of: model, versions: [model.version])))
    }
    guard isPinned else { return nil }
    do { try await scheduler.pin(model, replacing: catalog.opened(name)) } catch {
      await scheduler.close(model)
      await pinAgain(name)
      throw error
    }
    return model
  }

  /// Pins the newest version again if its pin gave way to one that was refused.
  private func pinAgain(_ name: String) async {
    guard catalog.settings(of: name).isPinned == true else { return }
    do { try await lifecycle.follow(name) } catch {
      log.warning("could not be pinned again", metadata: ["model": "\(shown(name))", "reason": "\(error)"])
    }
  }
}
