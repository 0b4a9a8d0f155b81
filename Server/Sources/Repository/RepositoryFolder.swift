import Device
import Foundation
import ModelStore

/// The watched folder of models:
///
///     NAME.onnx                 with external data beside it
///     NAME/VERSION/model.onnx   version VERSION, with all that lies beside it (Triton's layout)
///     NAME/config.pbtxt         which versions are served, and what their files are called
///     NAME/model.onnx           where no folder is a version
///     NAME.yaml                 settings, for all of these
///
/// Folders' numbers are the versions; `NAME.onnx` and `NAME/model.onnx` are numbered by the store. Of `NAME.onnx` and `NAME/`
/// the file is taken. What is hidden, or named like a file that is still being written, is left alone; anything else that
/// looks like a model and is not served is in ``Listing/notices``.
public struct RepositoryFolder: Sendable {
  /// The result of reading the folder once.
  public struct Listing: Sendable {
    /// By name and number.
    public var models: [FoundModel]
    /// Tells the folder from another one at the same path: its device and number there. Both are others when a disk is
    /// mounted there, or is not any more.
    public var place: String
    /// Files and folders that look like models and are not served, with the reason; sorted.
    public var notices: [String] = []
    /// The contents of `config.pbtxt`, by model.
    public var configurations: [String: ModelConfiguration] = [:]
  }

  public let path: String
  private let keepVersions: Int
  private let locations = Locked(ExternalLocations())

  static let maxEntries = 100_000

  /// - Parameter keepVersions: How many versions of a folder are served whose `config.pbtxt` says nothing else.
  public init(path: String, keepVersions: Int = 2) {
    self.path = URL(fileURLWithPath: path).standardizedFileURL.path
    self.keepVersions = max(1, keepVersions)
  }

  /// Reads the folder once.
  /// - Returns: what is in it, or the error that keeps it from being read: then nothing is known of what is in it. The places are
  ///   those in which a change makes another look worthwhile, in both cases.
  public func look() -> (listing: Result<Listing, any Error>, places: WatchedPlaces) {
    var look = RepositoryLook(path, keepVersions: keepVersions, locations: locations.withLock { $0 })
    do { try look.read() } catch { return (.failure(error), look.places) }
    locations.withLock { [locations = look.locations] in $0 = locations }
    return (.success(look.listing), look.places)
  }

  static func isTaken(_ name: String) -> Bool {
    !name.hasPrefix(".") && !name.hasSuffix("~")
      && ![".part", ".tmp", ".temp", ".swp", ".crdownload", ".filepart"].contains { name.hasSuffix($0) }
  }

  /// The model's name in the name of an ONNX file, however its ending is written; `nil` for other files.
  public static func stem(of name: String) -> String? {
    let ending = ".onnx"
    guard name.utf8.count > ending.utf8.count, name.suffix(ending.count).lowercased() == ending else {
      return nil
    }
    return String(name.dropLast(ending.count))
  }
}
