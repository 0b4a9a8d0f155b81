import Foundation
import NIOHTTP1
import Serving

extension RequestOrigin {
  /// - Throws: ``ConnectionState/Refusal`` when the header names no host, or more than one (RFC 9112, 3.2).
  package init(_ head: HTTPRequestHead) throws(ConnectionState.Refusal) {
    var hosts: [String] = []
    self.init()
    for (name, value) in head.headers {
      if name.count == 4, name.lowercased() == "host" { hosts.append(value) } else { add(name, value) }
    }
    guard hosts.count == 1 || hosts.isEmpty && head.version.isOlderThan11 else {
      throw ConnectionState.Refusal(
        status: 400,
        message: hosts.isEmpty ? "the 'Host' field is missing" : "there is more than one 'Host' field")
    }
    authority = hosts.first
    // An absolute target names the host once more.
    guard let target = RequestOrigin.authority(ofTarget: head.uri) else { return }
    guard authority == nil || authority?.lowercased() == target.lowercased() else {
      throw ConnectionState.Refusal(status: 400, message: "the request's target and its 'Host' field differ")
    }
    authority = target
  }

  private static func authority(ofTarget target: String) -> String? {
    guard !target.hasPrefix("/"), let range = target.range(of: "://") else { return nil }
    return String(target[range.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" })
  }
}

extension HTTPVersion {
  /// HTTP/1.0 and older: such clients know neither `100 Continue` nor connections that stay open by themselves.
  var isOlderThan11: Bool { major < 1 || major == 1 && minor == 0 }
}

extension HTTPRequestHead {
  /// The request reads the web page's document.
  var isForPage: Bool { method == .GET && (uri == "/" || uri.hasPrefix("/?")) }
}
