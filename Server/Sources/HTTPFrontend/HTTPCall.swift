import Foundation
import HTTPTypes
import Hummingbird
import InferenceProtocol
import Logging
import NIOCore
import Serving

/// The router's knowledge of a request in addition to its header.
struct HTTPContext: RequestContext {
  struct Source: RequestContextSource {
    let logger: Logger
    let isLocal: Bool
    let body: ByteBuffer
    let arrival: UInt64
    let held: HeldBytes
    let answer: HeldBytes
  }

  var coreContext: CoreRequestContextStorage
  /// The request comes from this machine.
  let isLocal: Bool
  /// The whole body, as it came.
  let body: ByteBuffer
  /// When its header had come, in nanoseconds of the monotonic clock.
  let arrival: UInt64
  /// The account of the body, and of everything made of it.
  let held: HeldBytes
  /// The account of the answer, until the connection counts it.
  let answer: HeldBytes

  init(source: Source) {
    coreContext = CoreRequestContextStorage(source: source)
    isLocal = source.isLocal
    body = source.body
    arrival = source.arrival
    held = source.held
    answer = source.answer
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
      let text = raw.utf8.contains(UInt8(ascii: "%")) ? raw.removingPercentEncoding : raw
    else { throw ServiceError(.invalidRequest, "the path's percent-encoding is wrong") }
    return text
  }

  /// The version in the path; `nil` when the path has none.
  /// - Throws: ``ServiceError`` when it is no number, or no valid text.
  func version() throws -> Int? {
    guard context.parameters.get("version") != nil else { return nil }
    return try Int(modelVersion: try parameter("version"))
  }

  /// The body, decompressed if it came compressed.
  /// - Throws: `ProtocolError` when it is not compressed as its header says, ``ServiceError`` when it is too large.
  func body() async throws -> ByteBuffer {
    guard let coding = try ContentCoding(contentEncoding: request.headers[.contentEncoding])
    else { return context.body }
    return try await HTTPCall.heavy(.max) { [context, configuration] in
      try coding.decompress(context.body, limit: configuration.maxBodyBytes, holding: context.held)
    }
  }

  /// Counts an answer of the server's own that is large; what is small says something also when there is no room.
  /// - Throws: ``AccountFull``.
  func count(_ answer: Response) throws {
    guard let length = answer.body.contentLength, length > HTTPCall.smallAnswer else { return }
    try context.answer.change(to: length)
  }

  private static let smallAnswer = 64 << 10

  private static let work = BlockingWork("fusedinf.http")

  /// Runs work that grows with a message: here when it is small, else away from Swift's cooperative threads.
  static func heavy<Result: Sendable>(
    _ byteCount: Int, _ body: @escaping @Sendable () throws -> Result
  ) async throws -> Result {
    try await work.run(ofBytes: byteCount, body)
  }

  /// - Returns: the tenant that the caller is.
  /// - Throws: ``ServiceError`` when the caller may not do this.
  @discardableResult
  func authorize(_ action: AccessAction) throws(ServiceError) -> String {
    try service.access.authorize(Caller(request.headers, isLoopback: context.isLocal), action)
  }

  /// The tenant that a request counts for: the name of the caller's API key, or where there are no keys, what the
  /// caller calls itself in `X-Tenant`.
  /// - Throws: ``ServiceError`` when the caller may not do this.
  func tenant(_ action: AccessAction) throws(ServiceError) -> String {
    let known = try authorize(action)
    return known.isEmpty ? String((request.headers[.tenant] ?? "").prefix(64)) : known
  }
}

extension HTTPField.Name {
  /// Known to be a name of a field.
  private static func known(_ name: String) -> HTTPField.Name {
    guard let name = HTTPField.Name(name) else { preconditionFailure("'\(name)' is not a valid field name") }
    return name
  }

  static let apiKey = known("X-API-Key")
  static let accelBuffering = known("X-Accel-Buffering")
  static let requestID = known("X-Request-Id")
  static let referrerPolicy = known("Referrer-Policy")
  static let tenant = known("X-Tenant")
  static let requestPrivateNetwork = known("Access-Control-Request-Private-Network")
  static let allowPrivateNetwork = known("Access-Control-Allow-Private-Network")
  static let inferenceHeaderLength = known("Inference-Header-Content-Length")
}
