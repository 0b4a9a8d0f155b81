#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The host and port of a `Host` field, of gRPC's `:authority` or of an origin (RFC 3986, 3.2, without user information).
package struct Authority: Sendable, Hashable {
  /// A name in lower case without its final dot, or an IP address; IPv6 without its brackets.
  package let host: String
  /// `nil`: the scheme's own.
  package let port: Int?
  private let isIPv6: Bool

  /// - Returns: `nil` for text that is no authority.
  package init?(_ text: some StringProtocol) {
    var rest = Substring(text)
    if rest.first == "[" {
      guard let end = rest.firstIndex(of: "]") else { return nil }
      host = rest[rest.index(after: rest.startIndex)..<end].lowercased()
      rest = rest[rest.index(after: end)...]
      isIPv6 = true
      guard Authority.ipv6(host) != nil else { return nil }
    } else {
      var name = rest.prefix { $0 != ":" }
      rest = rest.dropFirst(name.count)
      if name.last == "." { name.removeLast() }
      guard !name.isEmpty, name.utf8.allSatisfy(Authority.isNameByte) else { return nil }
      host = name.lowercased()
      isIPv6 = false
    }
    guard let colon = rest.first else {
      port = nil
      return
    }
    let digits = rest.dropFirst()
    guard colon == ":", digits.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else {
      return nil
    }
    if digits.isEmpty {
      port = nil
    } else {
      guard let number = UInt16(digits) else { return nil }
      port = Int(number)
    }
  }

  /// The address that a setting such as `--bind` names, which has no port and no brackets.
  package init?(address: String) {
    self.init(address.contains(":") && !address.hasPrefix("[") ? "[\(address)]" : address)
  }

  /// True for `localhost` and the loopback addresses of IPv4 and IPv6.
  package var isLoopback: Bool {
    if isIPv6 {
      guard let bytes = Authority.ipv6(host) else { return false }
      // ::1, and 127.0.0.0/8 as IPv6 writes it (::ffff:127.0.0.1).
      return bytes == Array(repeating: 0, count: 15) + [1]
        || bytes.starts(with: Array(repeating: 0, count: 10) + [0xff, 0xff, 127])
    }
    return host == "localhost" || ipv4?.first == 127
  }

  /// True for an IP address. No name server can answer for one, so no page can be made to reach this server under it.
  package var isAddress: Bool { isIPv6 || ipv4 != nil }

  /// The four bytes of a dotted address.
  private var ipv4: [UInt8]? {
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    let bytes = parts.compactMap { part in part == "0" || part.first != "0" ? UInt8(part) : nil }
    return parts.count == 4 && bytes.count == 4 ? bytes : nil
  }

  private static func ipv6(_ text: String) -> [UInt8]? {
    var address = in6_addr()
    guard inet_pton(AF_INET6, text, &address) == 1 else { return nil }
    return withUnsafeBytes(of: &address) { Array($0) }
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
      true
    default: false
    }
  }
}
