import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1
import Serving

extension Caller {
  /// The key comes as `Authorization: Bearer KEY` or as `X-API-Key: KEY`.
  /// - Parameter isLoopback: the request comes from this machine.
  init(_ headers: HTTPFields, isLoopback: Bool) {
    var key: String?
    if let field = headers[.authorization], field.lowercased().hasPrefix("bearer ") {
      key = String(field.dropFirst(7))
    } else if let field = headers[.apiKey] {
      key = field
    }
    self.init(key: key, isLoopback: isLoopback)
  }
}

extension ConnectionState.Refusal {
  /// The error for which a request is not read: its host or its origin is not answered, or it has a body and its key is missing or
  /// unknown. The key's permissions are checked once the target of the request is known.
  /// - Parameter isLoopback: the connection comes from this machine.
  init?(
    _ head: HTTPRequestHead, hasBody: Bool, isLoopback: Bool, access: AccessPolicy, origins: OriginRules
  ) {
    let admission: OriginRules.Admission
    do throws(ConnectionState.Refusal) {
      admission = try OriginRules.Admission(head, origins)
    } catch {
      self = error
      return
    }
    guard hasBody, access.asksForKeys else { return nil }
    let path = head.uri.prefix { $0 != "?" }
    let kind: AccessAction.Kind =
      head.method != .POST
      ? .look
      : path.hasSuffix("/infer") ? .infer : path == "/v2/repository/index" ? .read : .administer
    do throws(ServiceError) {
      try access.authenticate(
        Caller(Request(head, ByteBuffer()).headers, isLoopback: isLoopback && admission.isLocal), kind)
      return nil
    } catch {
      self.init(status: error.httpStatus, message: error.description)
    }
  }
}

extension OriginRules.Admission {
  /// - Throws: ``ConnectionState/Refusal``.
  init(_ head: HTTPRequestHead, _ rules: OriginRules) throws(ConnectionState.Refusal) {
    let origin = try RequestOrigin(head)
    do throws(ServiceError) {
      self = try rules.admit(origin, isPage: head.isForPage)
    } catch {
      throw ConnectionState.Refusal(status: error.httpStatus, message: error.description)
    }
  }
}
