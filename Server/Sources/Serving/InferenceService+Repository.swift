import InferenceProtocol
import Linker
import Scheduler

/// What a client may change about the models that are served (Triton's model repository extension).
extension InferenceService {
  /// What there is, by name and version.
  /// - Parameter onlyReady: leaves out what takes no requests.
  public func repositoryIndex(onlyReady: Bool) -> [RepositoryIndexEntry] {
    catalog.index.filter { !onlyReady || $0.state == .ready }
  }

  /// Makes a model available again, or adds one that comes with the request.
  ///
  /// Its weights come in with its first request, or at once when it is pinned.
  /// - Parameters:
  ///   - parameters: `keep_alive` (seconds), `pin`, `config` (a model configuration of Triton's, in JSON), and
  ///     `file:VERSION/PATH` with a file's bytes in Base64.
  ///   - files: the same files as bytes, under the same names; what gRPC carries.
  /// - Throws: ``ServiceError``: there is no such model, it cannot be compiled, or a parameter asks for what is not
  ///   possible or not allowed.
  public func load(
    _ name: String, parameters: [String: Parameter], files: [String: [UInt8]] = [:]
  ) async throws(ServiceError) {
    do {
      let request = try ModelLoadRequest(model: name, parameters: parameters, files: files)
      // A client that goes away does not leave the model half loaded.
      try await Task { try await self.load(request) }.value
    } catch { throw ServiceError(error, model: name) }
  }

  private func load(_ request: ModelLoadRequest) async throws {
    guard request.files.isEmpty else {
      guard configuration.allowsUploads else {
        throw ServiceError(
          .forbidden, "models cannot be sent with a load; start the server with --allow-uploads to allow it")
      }
      throw ServiceError(.unsupported, "models cannot be sent with a load yet")
    }
    guard catalog.entries[request.model] != nil else {
      throw ServiceError(.notFound, "there is no model '\(shown(request.model))'")
    }
    catalog.update(request.model) { entry in
      entry.settings = request.settings.over(entry.settings)
      entry.isUnloaded = false
      entry.isUnloading = false
    }
    try await apply(request.settings, to: request.model)
  }

  /// Gives the newest version of a model settings that have changed.
  private func apply(_ settings: ModelSettings, to name: String) async throws {
    let model = try await catalog.model(name, version: nil)
    if let keepAlive = settings.keepAlive { scheduler.setKeepAlive(keepAlive, of: model) }
    switch settings.isPinned {
    case true?:
      do { try await scheduler.pin(model) } catch {
        catalog.update(name) { $0.settings.isPinned = nil }
        throw error
      }
    case false?: scheduler.unpin(model)
    case nil: break
    }
  }

  /// Takes no more requests for a model, waits until what waits and runs has been answered, and throws its weights out.
  /// A model that is unloaded already stays so.
  /// - Parameter dependents: as Triton's `unload_dependents`; models of a store depend on nothing.
  /// - Throws: ``ServiceError`` when there is no such model.
  public func unload(_ name: String, dependents: Bool = false) async throws(ServiceError) {
    guard catalog.entries[name] != nil else {
      throw ServiceError(.notFound, "there is no model '\(shown(name))'")
    }
    await Task { await self.finish(name) }.value
  }

  private func finish(_ name: String) async {
    let turn = catalog.beginUnloading(name)
    for model in catalog.opened(name) {
      await scheduler.drain(model)
      scheduler.unpin(model)
      scheduler.evict(model)
    }
    catalog.endUnloading(name, turn)
  }
}
