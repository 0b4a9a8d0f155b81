import ModelStore

/// The origin of a stored version. The store keeps it with the version, so it is known exactly when the
/// version is.
public struct VersionNotes: Sendable, Hashable {
  public var origin: CompileJob.Origin
  /// The watched folder.
  public var folder: String
  /// Of the files that it was made from.
  public var fingerprint: String
  /// The number is that of a folder, not one that the store chose.
  public var isNumbered: Bool

  private static let originKey = "repository:origin"
  private static let folderKey = "repository:folder"
  private static let fingerprintKey = "repository:fingerprint"
  private static let numberedKey = "repository:numbered"

  public init(origin: CompileJob.Origin, folder: String, fingerprint: String, isNumbered: Bool = false) {
    self.origin = origin
    self.folder = folder
    self.fingerprint = fingerprint
    self.isNumbered = isNumbered
  }

  /// `nil` for a version that something else has added.
  public init?(options: [String: String]) {
    guard let origin = options[VersionNotes.originKey].flatMap({ CompileJob.Origin(rawValue: $0) }) else {
      return nil
    }
    self.init(
      origin: origin, folder: options[VersionNotes.folderKey] ?? "",
      fingerprint: options[VersionNotes.fingerprintKey] ?? "",
      isNumbered: options[VersionNotes.numberedKey] == "true")
  }

  public var options: [String: String] {
    var options = [VersionNotes.originKey: origin.rawValue]
    if origin == .folder {
      options[VersionNotes.folderKey] = folder
      options[VersionNotes.fingerprintKey] = fingerprint
      if isNumbered { options[VersionNotes.numberedKey] = "true" }
    }
    return options
  }

  /// True when a version with these notes may take the place of one with `others`: both were sent, or both came from the
  /// same folder.
  public func mayReplace(_ others: VersionNotes?) -> Bool {
    guard let others, others.origin == origin else { return false }
    return origin == .upload || others.folder == folder
  }

  /// The versions of one name that the server has made.
  public struct Kept: Sendable {
    public var name: String
    public var versions: [Int: CompileJob.Origin] = [:]
    /// The fingerprint of the newest version that came from the folder and was numbered by the store.
    public var fingerprint: String?
    /// The fingerprints of the versions that folders have numbered.
    public var numbered: [Int: String] = [:]
  }

  /// The versions that were sent, or came from this folder. Blocks.
  public static func read(from store: ModelStore, folder: String?) throws -> [Kept] {
    try store.list().compactMap { entry in
      var kept = Kept(name: entry.name)
      for version in entry.versions {
        guard let options = try? store.options(entry.name, version: version),
          let notes = VersionNotes(options: options), notes.origin == .upload || notes.folder == folder
        else { continue }
        kept.versions[version] = notes.origin
        guard notes.origin == .folder else { continue }
        if notes.isNumbered {
          kept.numbered[version] = notes.fingerprint
        } else {
          kept.fingerprint = notes.fingerprint
        }
      }
      return kept.versions.isEmpty ? nil : kept
    }
  }
}
