#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension ModelStore {
  /// The number of a version that is added.
  public enum Place: Sendable {
    /// The one after the highest that the name has had, even if that was removed: none is given out twice.
    case next
    /// This one, which whoever adds it answers for. A version that has it already is replaced in one step, if `mayReplace`
    /// returns true for the options that it was added with.
    case number(Int, mayReplace: @Sendable ([String: String]) -> Bool)
  }

  /// Adds a model, or a version of one that is there. Until all of it is on the disk, there is nothing of it.
  /// - Parameters:
  ///   - files: the `.onnx` file, then its external data, which lies in the same folder or below.
  ///   - options: what compiling it again needs to know.
  ///   - build: writes the compiled model to this path. The store is not locked meanwhile.
  /// - Returns: the version, from 1 on.
  /// - Throws: ``StoreError``, or what `build` throws.
  public func add(
    name: String, as place: Place = .next, source files: [String], options: [String: String] = [:],
    build: (String) throws -> Void
  ) throws -> Int {
    let name = try ModelName(checking: name)
    // Before it is compiled for nothing.
    _ = try number(at: place, of: name)
    let staged = try stage()
    let source = try StoredSource(
      copying: files, to: staged.directory(ModelStore.sourceName), options: options)
    try source.write(to: staged.directory.path + "/" + ModelStore.recordName)
    try compile(in: staged, build)
    try staged.directory.sync()

    let lock = try lock()
    defer { withExtendedLifetime(lock) {} }
    // A replaced folder is removed with the staging.
    return try put([(staged.directory, place)], of: name)[0].version
  }

  /// Takes versions of a model over from another store on the same file system: all of them, or none, unless the process ends
  /// meanwhile. Replaced versions move to that store.
  /// - Parameter places: the versions there, each with its place here.
  /// - Returns: their versions here, in the same order, and which of them have replaced one.
  /// - Throws: ``StoreError``; nothing has changed then.
  public func adopt(
    _ name: String, from other: ModelStore, _ places: [(version: Int, place: Place)]
  ) throws -> [(version: Int, isReplaced: Bool)] {
    let name = try ModelName(checking: name)
    let lock = try lock()
    defer { withExtendedLifetime(lock) {} }
    return try put(places.map { (other.versionDirectory(name, $0.version), $0.place) }, of: name)
  }

  /// Checks that a version can be added at this place.
  /// - Throws: ``StoreError`` if it cannot.
  public func check(_ place: Place, of name: String) throws {
    _ = try number(at: place, of: try ModelName(checking: name))
  }

  /// Puts complete folders of versions in their places: all of them, or none. The store is locked.
  private func put(
    _ folders: [(folder: Directory, place: Place)], of name: ModelName
  ) throws -> [(version: Int, isReplaced: Bool)] {
    let home = models(name.text)
    for (_, place) in folders { _ = try number(at: place, of: name) }
    var done: [(version: Int, folder: Directory, isReplaced: Bool)] = []
    do {
      try home.create()
      try models.sync()
      for (folder, place) in folders {
        let version = try number(at: place, of: name)
        let isReplaced = try versions(of: name).contains(version)
        if isReplaced {
          // Open models stay usable.
          try folder.exchange(with: home("\(version)"))
        } else {
          try folder.move(to: home("\(version)"))
        }
        done.append((version, folder, isReplaced))
      }
      try home.sync()
    } catch {
      for (version, folder, isReplaced) in done.reversed() {
        if isReplaced {
          try? folder.exchange(with: home("\(version)"))
        } else {
          try? home("\(version)").move(to: folder)
        }
      }
      home.removeIfEmpty()
      throw error
    }
    return done.map { ($0.version, $0.isReplaced) }
  }

  /// - Throws: ``StoreError`` of kind `invalidModel` when the number cannot be given out.
  private func number(at place: Place, of name: ModelName) throws -> Int {
    guard case .number(let number, let mayReplace) = place else { return try nextVersion(of: name) }
    guard ModelStore.versionNumbers.contains(number) else {
      throw StoreError(
        .invalidModel(
          reason: "\(number) is no version: numbers from 1 to \(ModelStore.versionNumbers.upperBound - 1) are"
        ))
    }
    guard try versions(of: name).contains(number) else { return number }
    // A version whose record cannot be read belongs to somebody who is not known.
    guard let options = try? self.options(name.text, version: number), mayReplace(options) else {
      throw StoreError(
        .invalidModel(
          reason:
            "version \(number) of '\(name.text)' is there already and came from elsewhere; give this one another "
            + "number, or remove that one with 'fusedinf remove'"))
    }
    return number
  }

  /// Removes a version, or all of them. Open models stay usable.
  /// - Throws: ``StoreError`` of kind `notFound` if there is none.
  public func remove(_ name: String, version: Int? = nil) throws {
    let name = try ModelName(checking: name)
    guard access(root.path, F_OK) == 0 else {
      throw StoreError(.noModel(name: name.text, version: version, store: directory, versions: []))
    }
    let lock = try lock()
    defer { withExtendedLifetime(lock) {} }
    let versions = try versions(of: name)
    let wanted = versions.filter { version == nil || $0 == version }
    guard !wanted.isEmpty else {
      throw StoreError(.noModel(name: name.text, version: version, store: directory, versions: versions))
    }
    if let newest = versions.last, wanted.contains(newest) { try retire(newest, of: name) }
    // Oldest first: should it be interrupted, the name still stands for what it stood for.
    for version in wanted {
      let removed = try Staging(in: staging, holding: lock)
      try versionDirectory(name, version).move(to: removed.directory)
      try models(name.text).sync()
    }
  }

  /// Replaces a version's compiled form in one step: for another target, a newer format, or a damaged file.
  /// Open models stay usable.
  /// - Parameter build: writes the compiled model to this path. The store is not locked meanwhile.
  /// - Returns: the new compiled model, open: another process may replace the file at any time.
  /// - Throws: ``StoreError``, or any error of `build`.
  @discardableResult
  public func replaceCompiled(
    _ name: String, version: Int, build: (String) throws -> Void
  ) throws -> CompiledModel {
    let name = try ModelName(checking: name)
    let staged = try stage()
    try compile(in: staged, build)

    let lock = try lock()
    defer { withExtendedLifetime(lock) {} }
    let versions = try versions(of: name)
    guard versions.contains(version) else {
      throw StoreError(.noModel(name: name.text, version: version, store: directory, versions: versions))
    }
    let path = compiledPath(name, version)
    guard rename(staged.directory.path + "/" + ModelStore.compiledName, path) == 0 else {
      throw StoreError.system("replace", path)
    }
    try versionDirectory(name, version).sync()
    return try openCompiled(name, version)
  }

  /// Gives a folder on the store's file system for files that are no part of it. It is removed afterwards.
  /// - Throws: ``StoreError`` when there can be none, or what `body` throws.
  public func withTemporaryFolder<Result>(
    _ body: (String) async throws -> Result
  ) async throws -> Result {
    let staged = try stage()
    defer { withExtendedLifetime(staged) {} }
    return try await body(staged.directory.path)
  }

  /// Waits for the right to change the store, and clears away what was left by those that did not end their change.
  private func lock() throws -> StoreLock {
    try root.create()
    let lock = try StoreLock(path: root.path + "/lock", seconds: lockSeconds)
    try models.create()
    try Staging.clear(staging, holding: lock)
    for name in try models.names() { models(name).removeIfEmpty() }
    return lock
  }

  private func stage() throws -> Staging {
    let lock = try lock()
    defer { withExtendedLifetime(lock) {} }
    return try Staging(in: staging, holding: lock)
  }

  private func compile(in staged: Staging, _ build: (String) throws -> Void) throws {
    let path = staged.directory.path + "/" + ModelStore.compiledName
    try build(path)
    try CompiledModel.open(path).verifyWeights()
  }
}
