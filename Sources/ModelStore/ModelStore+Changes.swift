#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension ModelStore {
  /// Adds a model, or a version of one that is there. Until all of it is on the disk, there is nothing of it.
  /// - Parameters:
  ///   - files: the `.onnx` file, then its external data, which lies in the same folder or below.
  ///   - options: what compiling it again needs to know.
  ///   - build: writes the compiled model to this path. The store is not locked meanwhile.
  /// - Returns: the version: from 1 on, and none that the name had before, even if that was removed.
  /// - Throws: ``StoreError``, or what `build` throws.
  public func add(
    name: String, source files: [String], options: [String: String] = [:], build: (String) throws -> Void
  ) throws -> Int {
    let name = try ModelName(checking: name)
    let staged = try stage()
    let source = try StoredSource(
      copying: files, to: staged.directory(ModelStore.sourceName), options: options)
    try source.write(to: staged.directory.path + "/" + ModelStore.recordName)
    try compile(in: staged, build)
    try staged.directory.sync()

    let lock = try lock()
    defer { withExtendedLifetime(lock) {} }
    let home = models(name.text)
    let version = try nextVersion(of: name)
    do {
      try home.create()
      try models.sync()
      try staged.directory.move(to: home("\(version)"))
      try home.sync()
    } catch {
      home.removeIfEmpty()
      throw error
    }
    return version
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
