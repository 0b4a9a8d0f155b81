/// The machine kind that a compiled model is packed for. It is part of the model's key: a model for another
/// target is recompiled and never crashes.
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
