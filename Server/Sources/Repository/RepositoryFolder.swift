import Foundation
import ModelStore

/// The watched folder of models:
///
///     NAME.onnx                 with external data in files whose names begin with `NAME.`
///     NAME/VERSION/model.onnx   the highest number, with everything beside it
///     NAME/model.onnx           if no folder is a version
///     NAME.yaml                 settings, for all three forms
///
/// The store numbers versions itself; the folder's numbers only select a file. If both `NAME.onnx` and
/// `NAME/` exist, the file is used. Hidden files, and files named like incomplete ones, are ignored.
public struct RepositoryFolder: Sendable {
  /// The result of reading the folder once.
  public struct Listing: Sendable {
    /// By name.
    public var models: [FoundModel]
    /// The folder, and those below it in which a change matters.
    public var folders: [String]
    /// Tells the folder from another one at the same path: its device and number there. Both are others when a disk is
    /// mounted there, or is not any more.
    public var place: String
  }

  public let path: String

  private static let maxEntries = 100_000
  private static let maxDepth = 4

  public init(path: String) {
    self.path = URL(fileURLWithPath: path).standardizedFileURL.path
  }

  /// - Throws: when the folder cannot be read: then nothing is known of what is in it.
  public func look() throws -> Listing {
    let names = try FileManager.default.contentsOfDirectory(atPath: path)
      .prefix(RepositoryFolder.maxEntries).filter(RepositoryFolder.isTaken).sorted()
    var status = stat()
    let isKnown = stat(path, &status) == 0
    var listing = Listing(
      models: [], folders: [path], place: isKnown ? "\(status.st_dev):\(status.st_ino)" : "")
    var entries: [String: [Entry]] = [:]
    for name in names {
      guard let entry = Entry(path + "/" + name) else { continue }
      if entry.isFolder {
        listing.folders.append(entry.path)
        entries[name, default: []] += try model(in: entry.path, &listing.folders)
      }
    }
    for name in names where name.hasSuffix(".onnx") {
      guard let entry = Entry(path + "/" + name), !entry.isFolder else { continue }
      let stem = String(name.dropLast(".onnx".count))
      let others = names.filter {
        $0.hasPrefix(stem + ".") && $0 != name && !$0.hasSuffix(".onnx") && !$0.hasSuffix(".yaml")
          && !$0.hasSuffix(".pipeline.json")
      }
      entries[stem] = [entry] + others.compactMap { Entry(path + "/" + $0) }.filter { !$0.isFolder }
    }
    let sidecars = Set(names.filter { $0.hasSuffix(".yaml") })
    listing.models = entries.sorted { $0.key < $1.key }.compactMap { name, files in
      guard let model = files.first else { return nil }
      let sidecar = sidecars.contains(name + ".yaml") ? Entry(path + "/" + name + ".yaml") : nil
      let all = files + [sidecar].compactMap { $0 }
      return FoundModel(
        name: name, path: model.path, sidecar: sidecar?.path, files: all.map(\.path),
        fingerprint: Entry.fingerprint(all, in: path))
    }
    return listing
  }

  /// The files of the model that a folder holds, its `.onnx` file first; none when it holds none.
  private func model(in folder: String, _ folders: inout [String]) throws -> [Entry] {
    let names = try RepositoryFolder.names(in: folder)
    var versions = names.compactMap { name in Int(name).flatMap { $0 >= 0 && "\($0)" == name ? $0 : nil } }
      .sorted(by: >)
      .map { folder + "/\($0)" }.filter { Entry($0)?.isFolder == true }
    folders += versions
    versions.append(folder)
    for version in versions {
      guard let model = Entry(version + "/model.onnx"), !model.isFolder else { continue }
      var files: [Entry] = []
      RepositoryFolder.collect(version, depth: version == folder ? 1 : RepositoryFolder.maxDepth, &files)
      return [model] + files.filter { $0.path != model.path }
    }
    return []
  }

  /// The names in a folder below; none when it went away meanwhile.
  private static func names(in folder: String) throws -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: folder).prefix(maxEntries).filter(isTaken)
        .sorted()
    } catch {
      guard Entry(folder) != nil else { return [] }
      throw error
    }
  }

  private static func collect(_ folder: String, depth: Int, _ files: inout [Entry]) {
    for name in (try? names(in: folder)) ?? [] {
      guard files.count < maxEntries, let entry = Entry(folder + "/" + name) else { continue }
      if !entry.isFolder {
        files.append(entry)
      } else if depth > 1 {
        collect(entry.path, depth: depth - 1, &files)
      }
    }
  }

  private static func isTaken(_ name: String) -> Bool {
    !name.hasPrefix(".") && !name.hasSuffix("~")
      && ![".part", ".tmp", ".temp", ".swp", ".crdownload", ".filepart"].contains { name.hasSuffix($0) }
  }
}

/// A file or folder, links followed.
private struct Entry {
  var path: String
  var isFolder: Bool
  private var text: String

  /// `nil` when there is nothing, or something else than a file or folder.
  init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    let kind = status.st_mode & S_IFMT
    guard kind == S_IFREG || kind == S_IFDIR else { return nil }
    self.path = path
    isFolder = kind == S_IFDIR
    // The time of the last change of the file's record tells a file apart that was written and dated back.
    text =
      "\(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec) \(status.st_ctim.tv_sec).\(status.st_ctim.tv_nsec)"
  }

  static func fingerprint(_ files: [Entry], in folder: String) -> String {
    let text = files.map { "\($0.path.dropFirst(folder.count)) \($0.text)\n" }.joined()
    return Array(text.utf8).withUnsafeBytes { ContentHash(of: $0).description }
  }
}
