/// A model that lies in the watched folder, as one look at the folder saw it.
public struct FoundModel: Sendable, Hashable {
  /// The name that requests use.
  public var name: String
  /// The `.onnx` file.
  public var path: String
  /// The file with its settings, where there is one.
  public var sidecar: String?
  /// All files that it may be made of.
  public var files: [String]
  /// Changes when one of its files does: made of their places, sizes and times.
  public var fingerprint: String

  public init(name: String, path: String, sidecar: String? = nil, files: [String], fingerprint: String) {
    self.name = name
    self.path = path
    self.sidecar = sidecar
    self.files = files
    self.fingerprint = fingerprint
  }
}
