#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A folder with models: each version is a compiled model beside the source that it was made from.
///
///     DIR/lock                          held by whoever changes the store
///     DIR/models/NAME/VERSION/          one version: model.fused, source.json, source/…
///     DIR/models/NAME/VERSION.removed   empty: the newest version that was removed
///     DIR/staging/…                     changes under way
///
/// Several processes may use one store. A version appears and vanishes in one step; what is open stays usable.
public final class ModelStore: Sendable {
  /// The store's folder.
  public let directory: String
  let root: Directory
  let lockSeconds: Int

  /// Uses the store in `directory`. When it is not there, it is an empty store: the first change makes it, private to the
  /// user.
  /// - Parameter lockSeconds: how long a change waits for another process's.
  /// - Throws: ``StoreError`` when the folder is there and cannot be read.
  public init(directory: String, lockSeconds: Int = 30) throws {
    var path = directory
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    guard !path.isEmpty else {
      throw StoreError(.system(action: "open the store", path: directory, reason: "its name is empty"))
    }
    self.directory = path
    self.lockSeconds = lockSeconds
    root = Directory(path: path)
    // With the dot, a file in the folder's place is told as what it is.
    guard access(path + "/.", R_OK | X_OK) == 0 || errno == ENOENT else {
      throw StoreError.system("open the store", path)
    }
  }

  /// Opens a model's compiled form.
  /// - Parameter version: the newest when it is left out.
  /// - Throws: ``StoreError``: `notFound`, `damaged`, `unsupportedFormat`.
  public func open(_ name: String, version: Int? = nil) throws -> CompiledModel {
    let name = try ModelName(checking: name)
    // A version that is removed between looking and opening was not there.
    var attempts = 3
    while true {
      let versions = try versions(of: name)
      guard let found = version ?? versions.last, versions.contains(found) else {
        throw StoreError(
          .noModel(name: name.text, version: version, store: directory, versions: versions))
      }
      let path = compiledPath(name, found)
      guard access(path, F_OK) != 0, errno == ENOENT else { return try openCompiled(name, found) }
      attempts -= 1
      if attempts == 0 { throw StoreError(.damaged(path: path, reason: "the file is gone")) }
    }
  }

  /// Opens the compiled form that a version has now.
  func openCompiled(_ name: ModelName, _ version: Int) throws -> CompiledModel {
    try CompiledModel(compiledPath(name, version)) { metadata in
      var metadata = metadata
      metadata.name = name.text
      metadata.version = version
      return metadata
    }
  }

  /// Returns the path of the `.onnx` file that a version was made from. Its external data lie beside it.
  /// - Throws: ``StoreError`` if there is no such version, or if its source is gone.
  public func sourcePath(_ name: String, version: Int) throws -> String {
    let name = try ModelName(checking: name)
    let source = try source(of: name, version)
    guard let first = source.files.first else {
      throw StoreError(.invalidModel(reason: "the store has no source of '\(name.text)' version \(version)"))
    }
    let path = sourceDirectory(name, version).path + "/" + first.path
    guard access(path, R_OK) == 0 else { throw StoreError.system("read the kept source", path) }
    return path
  }

  /// Returns the compilation options of a version, as given to ``add(name:source:options:build:)``.
  public func options(_ name: String, version: Int) throws -> [String: String] {
    try source(of: try ModelName(checking: name), version).options
  }

  // MARK: Places

  var models: Directory { root("models") }
  var staging: Directory { root("staging") }
  static let compiledName = "model.fused"
  static let sourceName = "source"
  static let recordName = "source.json"

  func versionDirectory(_ name: ModelName, _ version: Int) -> Directory { models(name.text)("\(version)") }
  func compiledPath(_ name: ModelName, _ version: Int) -> String {
    versionDirectory(name, version).path + "/" + ModelStore.compiledName
  }
  func sourceDirectory(_ name: ModelName, _ version: Int) -> Directory {
    versionDirectory(name, version)(ModelStore.sourceName)
  }

  func source(of name: ModelName, _ version: Int) throws -> StoredSource {
    let versions = try versions(of: name)
    guard versions.contains(version) else {
      throw StoreError(.noModel(name: name.text, version: version, store: directory, versions: versions))
    }
    return try StoredSource(readFrom: versionDirectory(name, version).path + "/" + ModelStore.recordName)
  }
}
