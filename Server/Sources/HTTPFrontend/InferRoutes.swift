import Device
import HTTPTypes
import Hummingbird
import InferenceProtocol
import NIOCore
import Serving
import Tensors

/// `POST v2/models/NAME[/versions/VERSION]/infer`: one inference, as JSON or with binary tensors.
struct InferRoutes: RouteFamily {
  func add(to routes: Routes) {
    for path in ["v2/models/:model/infer", "v2/models/:model/versions/:version/infer"] {
      routes.on(.post, path, nil) { call in try await infer(call) }
    }
  }

  private func infer(_ call: HTTPCall) async throws -> Response {
    let model = try call.parameter("model")
    let version = try call.version()
    let tenant = try call.tenant(.infer(model: model))
    var request = try await InferRoutes.request(call, model: model, version: version)
    request.tenant = tenant
    request.arrival = call.context.arrival
    request.held = call.context.held
    let response = try await call.service.infer(request)
    let coding = ContentCoding(acceptEncoding: call.request.headers[.acceptEncoding])
    let (json, tail) = response.encodedBound(for: request)
    let answer = call.context.answer
    try answer.change(
      to: 2 * json + tail + (coding == nil ? 0 : ContentCoding.compressionBound(of: json + tail)))
    return try await HTTPCall.heavy(response.byteCount) { [request] in
      let result = try Response(response.encoded(for: request), coding)
      answer.lower(to: result.body.contentLength ?? 0)
      return result
    }
  }

  /// Reads the request out of the call's body.
  static func request(_ call: HTTPCall, model: String, version: Int?) async throws -> InferRequest {
    let body = TensorBuffer(try await call.body())
    guard let field = call.request.headers[.inferenceHeaderLength] else {
      return try await request(body, headerLength: body.bytes.count, model, version, call.context.held)
    }
    guard let length = Int(field), length >= 0, length <= body.bytes.count else {
      throw ProtocolError(
        "Inference-Header-Content-Length is '\(shown(field))', the body has \(body.bytes.count) bytes")
    }
    guard length > 0 else {
      return try InferRequest(
        raw: body, for: try await call.service.metadata(of: model, version: version), version: version)
    }
    return try await request(body, headerLength: length, model, version, call.context.held)
  }

  private static func request(
    _ body: TensorBuffer, headerLength: Int, _ model: String, _ version: Int?, _ held: HeldBytes
  ) async throws -> InferRequest {
    // Names and other texts are copies of parts of the JSON.
    try held.reserve(headerLength)
    return try await HTTPCall.heavy(headerLength) {
      var reader = JSONReader(UnsafeRawBufferPointer(rebasing: body.bytes.prefix(headerLength)))
      var tail = BinaryTail(body, from: headerLength)
      reader.held = held
      tail.held = held
      let request = try withExtendedLifetime(body) {
        let request = try InferRequest(json: &reader, tail: &tail, model: model, version: version)
        try reader.finish()
        return request
      }
      try tail.finish()
      return request
    }
  }
}

extension InferResponse {
  /// About how many bytes its outputs take to write.
  var byteCount: Int { outputs.reduce(0) { $0 + $1.byteCount } }
}

extension NamedTensor {
  /// About how many bytes it takes to write.
  fileprivate var byteCount: Int {
    switch contents {
    case .tensor(let tensor): tensor.byteCount
    case .strings(let strings): strings.reduce(0) { $0 + 16 + $1.count }
    case .shared: 0
    }
  }
}

extension TensorBuffer {
  /// Looks at the buffer's bytes, which the buffer's storage keeps alive: it is never changed while anybody else holds it.
  convenience init(_ buffer: ByteBuffer) {
    self.init(
      borrowing: buffer.withUnsafeReadableBytes { $0 },
      from: buffer.withUnsafeReadableBytesWithStorageManagement { $1.takeUnretainedValue() })
  }
}

extension Response {
  /// Tensors up to this size are copied behind the JSON, so that the response leaves in one piece.
  private static let gathered = 32 << 10
  /// Smaller bodies are not worth compressing.
  private static let compressed = 1 << 10

  /// - Parameter coding: what the client takes.
  init(_ encoded: EncodedInferResponse, _ coding: ContentCoding?) throws {
    var headers: HTTPFields = [.contentType: "application/json"]
    if !encoded.tail.isEmpty {
      headers[.contentType] = "application/octet-stream"
      headers[.inferenceHeaderLength] = "\(encoded.json.count)"
    }
    let tailBytes = encoded.tail.reduce(0) { $0 + $1.byteCount }
    let isSmall = encoded.tail.allSatisfy { $0.byteCount <= Response.gathered }
    var first = ByteBufferAllocator().buffer(capacity: encoded.json.count + (isSmall ? tailBytes : 0))
    first.writeBytes(encoded.json)
    var parts: [ByteBuffer] = []
    for part in encoded.tail {
      part.withUnsafeBytes { bytes in
        if isSmall { first.writeBytes(bytes) } else { parts.append(ByteBuffer(bytes: bytes)) }
      }
    }
    if let coding, encoded.json.count + tailBytes >= Response.compressed {
      headers[.contentEncoding] = coding.rawValue
      headers[.vary] = "Accept-Encoding"
      first = try coding.compress([first] + parts)
      parts = []
    }
    self.init(
      status: .ok, headers: headers,
      body: parts.isEmpty ? ResponseBody(byteBuffer: first) : ResponseBody(contentsOf: [first] + parts))
  }
}
