/// A message that is not what its format demands. Whoever sent it can mend it.
public struct ProtocolError: Error, Sendable, Hashable, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }
}
