/// One compilation of a file.
public struct CompileJob: Sendable, Hashable {
  /// The origin of the file.
  public enum Origin: String, Sendable, Hashable, Codable {
    case folder, upload
  }

  public var id: Int
  public var name: String
  /// The `.onnx` file.
  public var path: String
  public var sidecar: String?
  /// The ``FoundModel/fingerprint`` of what it is made from; empty for what was sent.
  public var fingerprint: String
  public var origin: Origin

  public init(
    id: Int, name: String, path: String, sidecar: String? = nil, fingerprint: String, origin: Origin
  ) {
    self.id = id
    self.name = name
    self.path = path
    self.sidecar = sidecar
    self.fingerprint = fingerprint
    self.origin = origin
  }
}

/// The outcome of a compilation.
public enum CompileOutcome: Sendable, Hashable {
  /// The store has a new version.
  case compiled(version: Int)
  /// The newest version in the store was made from the same bytes, for the same shapes.
  case unchanged(version: Int)
  /// The file cannot be compiled: only another one can.
  case rejected(String)
  /// Something else is in the way, a full disk or a busy store: it may work later.
  case failed(String)
  /// It was not wanted any more.
  case stopped
}
