import CHost

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The store's record of a model apart from its compiled form: everything that recompiling it takes.
struct StoredSource: Codable {
  struct File: Codable {
    /// Relative to the folder with the source.
    var path: String
    var byteCount: Int
    var hash: ContentHash
  }

  /// The `.onnx` file first.
  var files: [File]
  /// The options with which the model was compiled. The compiler knows their meaning.
  var options: [String: String]
  var addedAt: Date

  /// Copies files with their places relative to the first one's folder; shares their bytes where the file system can.
  /// - Throws: ``StoreError`` when a file lies outside of that folder, cannot be read, or the disk is full.
  init(copying paths: [String], to directory: Directory, options: [String: String]) throws {
    guard let first = paths.first else {
      throw StoreError(.invalidModel(reason: "a model without a file was to be added"))
    }
    let root = URL(fileURLWithPath: first).deletingLastPathComponent().standardizedFileURL.path
    self.options = options
    addedAt = Date()
    files = []
    for path in paths {
      let full = URL(fileURLWithPath: path).standardizedFileURL.path
      let prefix = root.hasSuffix("/") ? root : root + "/"
      guard full.hasPrefix(prefix), full.count > prefix.count else {
        throw StoreError(.invalidModel(reason: "'\(path)' does not lie in the folder of '\(first)'"))
      }
      let relative = String(full.dropFirst(prefix.count))
      guard !files.contains(where: { $0.path == relative }) else { continue }
      files.append(try StoredSource.copy(path, as: relative, to: directory))
    }
    try directory.sync()
  }

  /// Reads what ``write(to:)`` wrote.
  init(readFrom path: String) throws {
    do {
      let file = try OpenFile(path, O_RDONLY)
      let size = min(Int(try file.status().st_size), 16 << 20)
      self = try ModelMetadata.decoder.decode(StoredSource.self, from: Data(try file.bytes(0..<max(size, 0))))
    } catch let error as DecodingError {
      throw StoreError(.system(action: "read", path: path, reason: "\(error)"))
    }
    guard files.allSatisfy({ !$0.path.hasPrefix("/") && !$0.path.split(separator: "/").contains("..") })
    else {
      throw StoreError(.system(action: "read", path: path, reason: "it names files outside of the store"))
    }
  }

  func write(to path: String) throws {
    let bytes: Data
    do { bytes = try ModelMetadata.encoder.encode(self) } catch {
      throw StoreError(.system(action: "write", path: path, reason: "\(error)"))
    }
    let file = try OpenFile(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o400)
    try file.write(Array(bytes), at: 0)
    try file.sync()
  }

  /// Returns the faults of the stored files; empty if they are unchanged.
  func problems(in directory: Directory) -> [String] {
    files.compactMap { kept in
      do {
        let file = try OpenFile(directory.path + "/" + kept.path, O_RDONLY)
        var hasher = ContentHasher()
        let size = Int(try file.status().st_size)
        guard size == kept.byteCount, try file.forEachPiece(of: 0..<size, { hasher.update($0) }),
          hasher.finish() == kept.hash
        else { return "the kept source '\(kept.path)' was altered" }
        return nil
      } catch {
        return "\(error)"
      }
    }
  }

  private static func copy(_ path: String, as relative: String, to directory: Directory) throws -> File {
    let source = try OpenFile(path, O_RDONLY | O_NONBLOCK)
    let status = try source.status()
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw StoreError(.invalidModel(reason: "'\(path)' is no regular file"))
    }
    let folder = relative.lastIndex(of: "/").map { directory(String(relative[..<$0])) } ?? directory
    try folder.create()
    let target = try OpenFile(directory.path + "/" + relative, O_WRONLY | O_CREAT | O_EXCL, mode: 0o400)
    let isShared = fi_file_clone(source.descriptor, target.descriptor) == 0
    var hasher = ContentHasher()
    var offset = 0
    let size = Int(status.st_size)
    let isWhole = try source.forEachPiece(of: 0..<size) { bytes in
      hasher.update(bytes)
      if !isShared { try target.write(bytes, at: offset) }
      offset += bytes.count
    }
    guard isWhole else {
      throw StoreError(.invalidModel(reason: "'\(path)' was cut short while it was copied"))
    }
    try target.sync()
    try folder.sync()
    return File(path: relative, byteCount: size, hash: hasher.finish())
  }
}
