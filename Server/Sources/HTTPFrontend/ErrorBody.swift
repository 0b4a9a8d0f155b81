import Foundation
import HTTPTypes
import Hummingbird
import InferenceProtocol
import NIOCore
import Serving

/// The body of every refusal: `{"error": "…"}`.
enum ErrorBody {
  static func bytes(_ message: String) -> ByteBuffer {
    var writer = JSONWriter()
    writer.raw("{\"error\":")
    writer.string(message)
    writer.raw("}")
    return ByteBuffer(bytes: writer.bytes)
  }
}

extension Response {
  /// The answer to a request that failed.
  init(_ error: any Error) {
    var retryAfter: Duration?
    var status = HTTPResponse.Status.internalServerError
    var message = "\(error)"
    switch (error as? AccountFull).map(ServiceError.init) ?? error {
    case let error as ServiceError:
      status = .init(code: error.httpStatus)
      retryAfter = error.retryAfter
    case is ProtocolError: status = .badRequest
    case is CancellationError:
      status = .init(code: 499)
      message = "the request was cancelled"
    default: break
    }
    self.init(error: message, status: status)
    if let retryAfter {
      let (seconds, attoseconds) = retryAfter.components
      headers[.retryAfter] = "\(max(1, seconds &+ (attoseconds > 0 ? 1 : 0)))"
    }
    if status == .unauthorized { headers[.wwwAuthenticate] = "Bearer" }
  }

  init(error message: String, status: HTTPResponse.Status) {
    self.init(
      status: status, headers: [.contentType: "application/json"],
      body: ResponseBody(byteBuffer: ErrorBody.bytes(message)))
  }

  /// A value as JSON.
  init(json value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    self.init(
      status: .ok, headers: [.contentType: "application/json"],
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: try encoder.encode(value))))
  }
}
