import Foundation

/// The folders in which changes matter to a reader of some paths, and the names in them that do: those of the paths
/// themselves, of the links and folders on the way to them, and of what is missing.
///
/// inotify watches a folder, not the path that leads to it. If a link or folder on the way is replaced, only the folder above it
/// reports the change.
public struct WatchedPlaces: Sendable {
  /// Existing folders of which every entry matters.
  public private(set) var folders: Set<String> = []
  /// The names of the files whose contents matter, by folder.
  public private(set) var files: [String: Set<String>] = [:]
  /// The names that matter only when they come, go, or are replaced, by folder. These folders exist, and no link leads to them.
  public private(set) var steps: [String: Set<String>] = [:]
  /// The folders that were followed already: where each is without links, `nil` for one that is missing.
  private var known: [String: String?] = [:]

  /// More links on the way to one path are not followed, as the kernel does not.
  private static let maxLinks = 40

  public init() {}

  /// The folder, with every entry of it.
  public init(folder: String) { add(folder: folder) }

  /// Adds a folder of which every entry matters. If it is missing, the existing part of the way to it is added.
  public mutating func add(folder: String) {
    guard let real = follow(folder: folder) else { return }
    folders.formUnion([folder, real])
  }

  /// Adds the way to a path.
  /// - Parameter isFile: The path is a file whose contents matter.
  public mutating func add(_ path: String, isFile: Bool) {
    let folder = FolderEntry.folder(of: path)
    guard let real = follow(folder: folder) else { return }
    let name = FolderEntry.name(of: path)
    let target = walk([name], from: real)
    guard isFile, let target else { return }
    // Under this name its readers know it, and under the other one the folder's events name it.
    for (folder, name) in [(folder, name), (FolderEntry.folder(of: target), FolderEntry.name(of: target))]
    where !folders.contains(folder) {
      files[folder, default: []].insert(name)
    }
  }

  /// Returns the location of a folder without links, or `nil` if the way to it ends before.
  private mutating func follow(folder: String) -> String? {
    if let real = known[folder] { return real }
    let current = folder.hasPrefix("/") ? "" : FileManager.default.currentDirectoryPath + "/"
    let real = walk(WatchedPlaces.parts(current + folder), from: "/")
    known[folder] = .some(real)
    return real
  }

  private static func parts(_ path: String) -> [String] { path.split(separator: "/").map(String.init) }

  /// Follows names one by one, and notes each in the folder that it lies in.
  /// - Returns: `nil` where the way ends: that name is noted, and its folder exists.
  private mutating func walk(_ names: [String], from start: String) -> String? {
    var real = start
    var links = 0
    var ahead = Array(names.reversed())
    while let name = ahead.popLast() {
      if name == "." { continue }
      if name == ".." {
        real = FolderEntry.folder(of: real)
        continue
      }
      let path = real == "/" ? "/" + name : real + "/" + name
      guard path.utf8.count < Int(PATH_MAX) else { return nil }
      if !folders.contains(real) { steps[real, default: []].insert(name) }
      switch FolderEntry.link(at: path) {
      case .none: return nil
      case .some(nil): real = path
      case .some(let target?):
        links += 1
        guard links <= WatchedPlaces.maxLinks else { return nil }
        if target.hasPrefix("/") { real = "/" }
        ahead += WatchedPlaces.parts(target).reversed()
      }
    }
    return real
  }
}

extension FolderEntry {
  static func name(of path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

  /// The target of the link at a path; `.some(nil)` for anything else that is there, `nil` if nothing can be found there.
  static func link(at path: String) -> String?? {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = buffer.withUnsafeMutableBytes { bytes in
      bytes.baseAddress.map { readlink(path, $0, bytes.count) } ?? -1
    }
    guard count > 0 else { return errno == EINVAL ? .some(nil) : nil }
    return String(validating: buffer[..<count], as: UTF8.self).map { .some($0) } ?? nil
  }
}
