import HTTPTypes

/// Returns true if a request from this machine's own address also originates here: it was not passed on by a
/// proxy, nor made by a page of another host in a browser that runs here.
func isFromHere(_ headers: HTTPFields) -> Bool {
  guard headers[.forwarded] == nil, headers[.forwardedFor] == nil else { return false }
  guard let origin = headers[.origin] else { return true }
  return isOwnOrigin(origin)
}

/// Returns true if an `Origin` (RFC 6454) names this machine.
package func isOwnOrigin(_ origin: String) -> Bool {
  for scheme in ["http://", "https://"] where origin.hasPrefix(scheme) {
    let authority = origin.dropFirst(scheme.count)
    if authority.hasPrefix("[") { return authority == "[::1]" || authority.hasPrefix("[::1]:") }
    let host = authority.prefix { $0 != ":" }
    let octets = host.split(separator: ".", omittingEmptySubsequences: false)
    return host == "localhost"
      || octets.count == 4 && octets[0] == "127" && octets.allSatisfy { UInt8($0) != nil }
  }
  return false
}
