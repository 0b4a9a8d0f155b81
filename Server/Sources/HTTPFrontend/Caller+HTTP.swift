import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1
import Serving

extension Caller {
  /// The key comes as `Authorization: Bearer KEY` or as `X-API-Key: KEY`.
  /// - Parameter isLoopback: the connection comes from this machine.
  init(_ headers: HTTPFields, isLoopback: Bool) {
    var key: String?
    if let field = headers[.authorization], field.lowercased().hasPrefix("bearer ") {
      key = String(field.dropFirst(7))
    } else if let field = headers[.apiKey] {
      key = field
    }
    self.init(key: key, isLoopback: isLoopback && isFromHere(headers))
  }
}

extension ConnectionState.Refusal {
  /// The error for which a request's body is not read: its key is missing or unknown. The key's permissions
  /// are checked once the target of the request is known.
  init?(_ head: HTTPRequestHead, isLoopback: Bool, access: AccessPolicy) {
    guard access.asksForKeys else { return nil }
    let path = head.uri.prefix { $0 != "?" }
    let kind: AccessAction.Kind =
      head.method != .POST
      ? .look
      : path.hasSuffix("/infer") ? .infer : path == "/v2/repository/index" ? .read : .administer
    do throws(ServiceError) {
      try access.authenticate(
        Caller(Request(head, ByteBuffer()).headers, isLoopback: isLoopback), kind)
      return nil
    } catch {
      self.init(status: error.httpStatus, message: error.description)
    }
  }
}
