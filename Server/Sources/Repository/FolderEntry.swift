import Foundation
import ModelStore

/// A regular file or a folder, links followed.
struct FolderEntry {
  var path: String
  var isFolder: Bool
  /// Changes when the file does.
  private var stamp: String

  /// `nil` when there is nothing, or something else than a file or folder.
  init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    let kind = status.st_mode & S_IFMT
    guard kind == S_IFREG || kind == S_IFDIR else { return nil }
    self.path = path
    isFolder = kind == S_IFDIR
    stamp = FileStamp(status).description
  }

  /// The targets of the path's links, one after another; empty if the path is no link. A change there changes the file.
  var linked: [String] {
    var targets: [String] = []
    var path = path
    for _ in 0..<FolderEntry.maxLinks {
      guard case .some(let target?) = FolderEntry.link(at: path) else { break }
      path = target.hasPrefix("/") ? target : FolderEntry.folder(of: path) + "/" + target
      targets.append(path)
    }
    guard !targets.isEmpty else { return [] }
    // Also where folders on the way are links.
    if let resolved = realpath(path, nil) {
      targets.append(String(cString: resolved))
      free(resolved)
    }
    return targets
  }

  private static let maxLinks = 16

  static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// A text that changes when one of the files does, or when one that is missing comes.
  static func fingerprint(_ files: [FolderEntry], missing: [String], in folder: String) -> String {
    let prefix = folder + "/"
    func place(_ path: String) -> Substring {
      path.hasPrefix(prefix) ? path.dropFirst(prefix.count) : path[...]
    }
    let lines =
      files.map { "\(place($0.path)) \($0.stamp)\n" } + missing.map { "\(place($0)) is missing\n" }
    return ContentHash(of: Array(lines.joined().utf8)).description
  }

  /// The locations of external data that the model names, read again only when the file has changed.
  func externalLocations(_ known: inout ExternalLocations) -> [String] {
    known.locations(of: path, stamp: stamp)
  }
}
