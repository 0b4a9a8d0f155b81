import Foundation

/// The identifier of the request that the current task answers, for log lines and for the client.
public enum RequestIdentity {
  @TaskLocal public static var current: String?

  /// The longest identity that is taken from a client.
  static let limit = 128

  /// Returns the client's own identifier, if it is printable ASCII and short enough, or else a new one.
  public static func chosen(_ given: String?) -> String {
    if let given, !given.isEmpty, given.utf8.count <= limit,
      given.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
    {
      return given
    }
    return String(UInt64.random(in: .min ... .max), radix: 16)
  }
}
