/// A message that violates its format. The sender can fix it.
public struct ProtocolError: Error, Sendable, Hashable, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }
}
