/// A model that lies in the watched folder, or one version of it, as one look at the folder saw it.
public struct FoundModel: Sendable, Hashable {
  /// The name that requests use.
  public var name: String
  /// The version, where its folder's name says it; `nil`: the store numbers it.
  public var number: Int?
  /// False for a version that is there, but not among those that are to be served.
  public var isChosen: Bool
  /// The `.onnx` file.
  public var path: String
  /// The file with its settings, where there is one.
  public var sidecar: String?
  /// Its `config.pbtxt`, where there is one.
  public var configuration: String?
  /// All files that it may be made of.
  public var files: [String]
  /// Changes when one of its files does: made of their places, sizes, numbers and times.
  public var fingerprint: String

  public init(
    name: String, number: Int? = nil, isChosen: Bool = true, path: String, sidecar: String? = nil,
    configuration: String? = nil, files: [String], fingerprint: String
  ) {
    self.name = name
    self.number = number
    self.isChosen = isChosen
    self.path = path
    self.sidecar = sidecar
    self.configuration = configuration
    self.files = files
    self.fingerprint = fingerprint
  }
}
