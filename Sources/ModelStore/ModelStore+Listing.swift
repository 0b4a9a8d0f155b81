/// A model of the store.
public struct StoreEntry: Sendable, Hashable, Codable {
  /// The usability of the newest version's compiled form by this program.
  public enum State: Sendable, Hashable, Codable {
    case ready
    /// It must be compiled again; why.
    case unusable(String)
  }

  public var name: String
  /// Ascending.
  public var versions: [Int]
  public var newest: Int
  /// The newest version's compiled form.
  public var path: String
  /// Bytes of all versions on the disk, sources included.
  public var byteCount: Int
  public var state: State
  /// The newest version's description of itself, if it is ready.
  public var metadata: ModelMetadata?
}

/// The result of verifying a version.
public struct VerifyResult: Sendable, Hashable, Codable {
  public var name: String
  public var version: Int
  /// Bytes that were checked.
  public var byteCount: Int
  /// Why the compiled form cannot be used; `nil` when every byte of it is right.
  public var compiledProblem: String?
  /// The faults of the stored source. Without a source the model cannot be recompiled.
  public var sourceProblems: [String]

  public var isIntact: Bool { compiledProblem == nil && sourceProblems.isEmpty }
}

extension ModelStore {
  /// All models, by name.
  public func list() throws -> [StoreEntry] {
    try modelNames().compactMap { name in
      let versions = try versions(of: name)
      guard let newest = versions.last else { return nil }
      var entry = StoreEntry(
        name: name.text, versions: versions, newest: newest, path: compiledPath(name, newest),
        byteCount: try models(name.text).byteCount(), state: .ready, metadata: nil)
      do { entry.metadata = try open(name.text, version: newest).metadata } catch let error as StoreError {
        // Removed by another process meanwhile.
        if error.kind == .notFound { return nil }
        entry.state = .unusable(error.description)
      }
      return entry
    }
  }

  /// Reads every byte of one model's versions, or of all models', and compares it with its checksum.
  /// - Throws: ``StoreError`` of kind `notFound`; damage is in the results.
  public func verify(_ name: String? = nil) throws -> [VerifyResult] {
    let names = try name.map { [try ModelName(checking: $0)] } ?? modelNames()
    return try names.flatMap { model in
      let versions = try versions(of: model)
      guard name == nil || !versions.isEmpty else {
        throw StoreError(.noModel(name: model.text, version: nil, store: directory, versions: []))
      }
      return versions.map { verify(model, $0) }
    }
  }

  private func verify(_ name: ModelName, _ version: Int) -> VerifyResult {
    var result = VerifyResult(
      name: name.text, version: version, byteCount: 0, compiledProblem: nil, sourceProblems: [])
    do {
      let compiled = try open(name.text, version: version)
      try compiled.verifyWeights()
      result.byteCount += compiled.extentBytes
    } catch { result.compiledProblem = "\(error)" }
    do {
      let source = try source(of: name, version)
      result.sourceProblems = source.problems(in: sourceDirectory(name, version))
      result.byteCount = source.files.reduce(result.byteCount) { $0 &+ $1.byteCount }
    } catch { result.sourceProblems = ["\(error)"] }
    return result
  }

  private func modelNames() throws -> [ModelName] {
    try models.names().sorted().compactMap { try? ModelName(checking: $0) }
  }
}
