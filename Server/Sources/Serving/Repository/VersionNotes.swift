import ModelStore
import Repository

/// The origin of a stored version. The store keeps it with the version, so it is known exactly when the
/// version is.
struct VersionNotes: Sendable, Hashable {
  var origin: CompileJob.Origin
  /// The watched folder.
  var folder: String
  /// Of the files that it was made from.
  var fingerprint: String

  private static let originKey = "repository:origin"
  private static let folderKey = "repository:folder"
  private static let fingerprintKey = "repository:fingerprint"

  init(origin: CompileJob.Origin, folder: String, fingerprint: String) {
    self.origin = origin
    self.folder = folder
    self.fingerprint = fingerprint
  }

  /// `nil` for a version that something else has added.
  init?(options: [String: String]) {
    guard let origin = options[VersionNotes.originKey].flatMap({ CompileJob.Origin(rawValue: $0) }) else {
      return nil
    }
    self.init(
      origin: origin, folder: options[VersionNotes.folderKey] ?? "",
      fingerprint: options[VersionNotes.fingerprintKey] ?? "")
  }

  var options: [String: String] {
    var options = [VersionNotes.originKey: origin.rawValue]
    if origin == .folder {
      options[VersionNotes.folderKey] = folder
      options[VersionNotes.fingerprintKey] = fingerprint
    }
    return options
  }

  /// The store's versions of one name.
  struct Kept: Sendable {
    var name: String
    var versions: [Int: CompileJob.Origin] = [:]
    /// Of the newest version that came from the folder.
    var fingerprint: String?
  }

  /// The versions that were sent, or came from this folder. Blocks.
  static func read(from store: ModelStore, folder: String?) throws -> [Kept] {
    try store.list().compactMap { entry in
      var kept = Kept(name: entry.name)
      for version in entry.versions {
        guard let options = try? store.options(entry.name, version: version),
          let notes = VersionNotes(options: options), notes.origin == .upload || notes.folder == folder
        else { continue }
        kept.versions[version] = notes.origin
        if notes.origin == .folder { kept.fingerprint = notes.fingerprint }
      }
      return kept.versions.isEmpty ? nil : kept
    }
  }
}
