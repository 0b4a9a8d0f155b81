import InferenceProtocol
import ModelStore
import Repository

/// Changes of the served models by clients (Triton's model repository extension).
extension InferenceService {
  /// Finds out what the store has; before anything is asked.
  public func readStore() async throws { _ = try await lifecycle.refresh() }

  /// Pins models until they are unpinned: always the newest version. A model that does not exist yet is
  /// pinned when it is added.
  /// - Throws: the error that prevents an existing model from being pinned.
  public func pin(_ names: [String]) async throws {
    catalog.pin(names)
    for name in names where catalog.entries[name] != nil { try await lifecycle.follow(name) }
  }

  /// Returns the index of models, by name and version.
  /// - Parameter onlyReady: leaves out versions that accept no requests.
  public func repositoryIndex(onlyReady: Bool) async -> [RepositoryIndexEntry] {
    await pipelines.check(catalog)
    return catalog.index.filter { !onlyReady || $0.state == .ready }
  }

  /// Makes a model available again, or adds one that comes with the request.
  ///
  /// Its weights are loaded with its first request, or at once if it is pinned.
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
      // Whole models may be in it, in Base64.
      let request = try await repository.work.run {
        try ModelLoadRequest(model: name, parameters: parameters, files: files)
      }
      // A client that goes away does not leave the model half loaded.
      try await Task { try await self.load(request) }.value
    } catch { throw self.failure(error, model: name) }
  }

  /// The most versions of a folder that a load waits for.
  private static let maxVersionsOfLoad = 1000

  private func load(_ request: ModelLoadRequest) async throws {
    if !request.files.isEmpty { return try await upload(request) }
    if catalog.isPipeline(request.model) { return try await load(pipeline: request.model) }
    if repository.folder != nil { try await compileNewFiles(of: request.model) }
    try await finish(request)
  }

  /// Loads a pipeline, and those of its models that were unloaded with it, or before: all, or none.
  private func load(pipeline name: String) async throws {
    var loaded: [String] = []
    do {
      for member in pipelines.members(of: name).sorted()
      where catalog.entries[member]?.takesNoRequests == true {
        try await load(ModelLoadRequest(model: member, parameters: [:], files: [:]))
        loaded.append(member)
      }
    } catch {
      for member in loaded { await lifecycle.unload(member) }
      throw error
    }
    pipelines.setUnloaded(name, false)
  }

  /// Has the files compiled that the repository has of a model now. A file that fails does not keep other versions from being
  /// served; the index gives the reason.
  /// - Throws: ``ServiceError`` if nothing is served.
  private func compileNewFiles(of name: String) async throws {
    var failure: ServiceError?
    for count in 0..<InferenceService.maxVersionsOfLoad {
      guard let outcome = await repository.retry(name, isAgain: count > 0) else { break }
      do { try InferenceService.check(outcome, of: name) } catch { failure = failure ?? error }
    }
    if let failure, catalog.entries[name]?.newest == nil { throw failure }
  }

  /// Serves a model under the settings of a request.
  /// - Throws: ``ServiceError`` if that is not possible; nothing has changed then.
  func finish(_ request: ModelLoadRequest) async throws {
    let name = request.model
    guard name.isComposed, let before = catalog.entries[name] else {
      throw ServiceError(.notFound, "there is no model '\(shown(name))'")
    }
    catalog.update(name) { entry in
      entry.settings = request.settings.over(entry.settings)
      entry.isUnloaded = false
      entry.isUnloading = false
    }
    do {
      if request.hasOverrides {
        try request.check(against: try await modelConfig(of: name, version: nil))
      }
      try await lifecycle.follow(name)
    } catch {
      catalog.update(name) { $0.settings = before.settings }
      if before.takesNoRequests { await lifecycle.unload(name) }
      throw error
    }
  }

  /// - Throws: ``ServiceError`` unless there is a version that the file was compiled to.
  static func check(_ outcome: CompileOutcome, of name: String) throws(ServiceError) {
    switch outcome {
    case .compiled, .unchanged: break
    case .rejected(let reason):
      throw ServiceError(.invalidRequest, "model '\(shown(name))' could not be compiled: \(reason)")
    case .failed(let reason):
      throw ServiceError(
        .unavailable, "model '\(shown(name))' could not be compiled: \(reason)", retryAfter: .seconds(5))
    case .stopped:
      throw ServiceError(
        .unavailable,
        "model '\(shown(name))' was not compiled: the server is shutting down, or its file changed",
        retryAfter: .seconds(1))
    }
  }

  /// Stops accepting requests for a model, waits until waiting and running ones are answered, and evicts its
  /// weights.
  /// A model that is unloaded already stays so.
  /// - Parameter dependents: Triton's `unload_dependents`: of a pipeline its models are unloaded too, but for those that
  ///   another pipeline has which is not unloaded.
  /// - Throws: ``ServiceError`` when there is no such model.
  public func unload(_ name: String, dependents: Bool = false) async throws(ServiceError) {
    if catalog.isPipeline(name) {
      // Running requests continue; it has no weights of its own to evict.
      pipelines.setUnloaded(name, true)
      guard dependents else { return }
      let others = Set(pipelines.names.filter { catalog.isPipeline($0) }.flatMap { pipelines.needs(of: $0) })
      let members = pipelines.members(of: name).subtracting(others).filter { catalog.entries[$0] != nil }
      return await Task {
        await withDiscardingTaskGroup { group in
          for member in members { group.addTask { await self.lifecycle.unload(member) } }
        }
      }.value
    }
    guard name.isComposed, catalog.entries[name] != nil else {
      throw ServiceError(.notFound, "there is no model '\(shown(name))'")
    }
    await Task { await lifecycle.unload(name) }.value
  }
}
