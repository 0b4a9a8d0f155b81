/// What a compiled model was packed for. Part of its key: another target means compiling again, never a crash.
public struct Target: Sendable, Hashable, Codable {
  /// The device's name: `cpu`, `null`.
  public var device: String
  /// The instruction set that kernels were chosen for.
  public var instructionSet: String
  /// The kernel library with its version.
  public var library: String

  public init(device: String, instructionSet: String, library: String) {
    self.device = device
    self.instructionSet = instructionSet
    self.library = library
  }
}

extension Target: CustomStringConvertible {
  public var description: String { "\(device)/\(instructionSet)/\(library)" }
}
