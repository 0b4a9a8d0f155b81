import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Serving

/// What the router knows of a request besides its header.
struct HTTPContext: RequestContext {
  struct Source: RequestContextSource {
    let logger: Logger
    let isLoopback: Bool
    let body: ByteBuffer
  }

  var coreContext: CoreRequestContextStorage
  let isLoopback: Bool
  /// The whole body, as it came.
  let body: ByteBuffer

  init(source: Source) {
    coreContext = CoreRequestContextStorage(source: source)
    isLoopback = source.isLoopback
    body = source.body
  }
}

/// A request on a route.
struct HTTPCall: Sendable {
  let request: Request
  let context: HTTPContext
  let service: InferenceService
  let configuration: HTTPConfiguration

  /// The part of the path that stands for `:name`, without percent-encoding.
  /// - Throws: ``ServiceError`` when it is no valid text.
  func parameter(_ name: String) throws -> String {
    guard let raw = context.parameters.get(name),
      let text = raw.contains("%") ? raw.removingPercentEncoding : raw
    else { throw ServiceError(.invalidRequest, "the path's percent-encoding is wrong") }
    return text
  }

  /// The version in the path; `nil` when the path has none.
  /// - Throws: ``ServiceError`` when it is no number.
  func version() throws -> Int? {
    guard let text = context.parameters.get("version") else { return nil }
    guard let version = Int(text), version > 0 else {
      throw ServiceError(.invalidRequest, "'\(shown(text))' is no version of a model; versions are 1, 2, …")
    }
    return version
  }

  /// The body, decompressed if it came compressed.
  /// - Throws: ``ServiceError``.
  func body() throws -> ByteBuffer { context.body }

  /// - Returns: the tenant that the caller is.
  /// - Throws: ``ServiceError`` when the caller may not do this.
  @discardableResult
  func authorize(_ action: AccessAction) throws(ServiceError) -> String {
    var key: String?
    if let field = request.headers[.authorization], field.lowercased().hasPrefix("bearer ") {
      key = String(field.dropFirst(7))
    } else if let field = request.headers[.apiKey] {
      key = field
    }
    return try service.access.authorize(Caller(key: key, isLoopback: context.isLoopback), action)
  }
}

extension HTTPField.Name {
  /// Known to be a name of a field.
  private static func known(_ name: String) -> HTTPField.Name {
    guard let name = HTTPField.Name(name) else { preconditionFailure("'\(name)' is no field's name") }
    return name
  }

  static let apiKey = known("X-API-Key")
  static let accelBuffering = known("X-Accel-Buffering")
  static let referrerPolicy = known("Referrer-Policy")
  static let inferenceHeaderLength = known("Inference-Header-Content-Length")
}
