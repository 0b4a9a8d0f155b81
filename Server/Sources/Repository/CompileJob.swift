/// One compilation of a file.
public struct CompileJob: Sendable, Hashable {
  /// The origin of the file.
  public enum Origin: String, Sendable, Hashable, Codable {
    case folder, upload
  }

  public var id: Int
  public var name: String
  /// The version that it becomes; `nil`: the store numbers it.
  public var number: Int?
  /// The `.onnx` file.
  public var path: String
  public var sidecar: String?
  /// The `config.pbtxt` that it has to agree with.
  public var configuration: String?
  /// The ``FoundModel/fingerprint`` of what it is made from; empty for what was sent.
  public var fingerprint: String
  public var origin: Origin
  /// The folder of the store that the version is added to instead, until it is adopted; of what was sent.
  public var staging: String?

  public init(
    id: Int, name: String, number: Int? = nil, path: String, sidecar: String? = nil,
    configuration: String? = nil, fingerprint: String, origin: Origin, staging: String? = nil
  ) {
    self.id = id
    self.name = name
    self.number = number
    self.path = path
    self.sidecar = sidecar
    self.configuration = configuration
    self.fingerprint = fingerprint
    self.origin = origin
    self.staging = staging
  }
}

/// The outcome of a compilation.
public enum CompileOutcome: Sendable, Hashable {
  /// The store has a new version; of what was sent, the one that it is staged in.
  case compiled(version: Int)
  /// The version that it would become, or else the newest in the store, was made from the same bytes, for the same shapes.
  case unchanged(version: Int)
  /// The file cannot be compiled: only another one can.
  case rejected(String)
  /// Something else is in the way, a full disk or a busy store: it may work later.
  case failed(String)
  /// It was not wanted any more.
  case stopped
}
