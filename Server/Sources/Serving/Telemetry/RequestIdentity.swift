import Foundation

/// What names the request that the current task answers, in log lines and to the client.
public enum RequestIdentity {
  @TaskLocal public static var current: String?

  /// The longest identity that is taken from a client.
  static let limit = 128

  /// What the client calls its request, where that is printable ASCII and not too long; else something new.
  public static func chosen(_ given: String?) -> String {
    if let given, !given.isEmpty, given.utf8.count <= limit,
      given.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
    {
      return given
    }
    return String(UInt64.random(in: .min ... .max), radix: 16)
  }
}
