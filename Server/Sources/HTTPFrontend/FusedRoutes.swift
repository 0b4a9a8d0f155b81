import Device
import Foundation
import HTTPTypes
import Hummingbird
import InferenceProtocol
import NIOCore
import Serving
import Tensors

/// `POST v2/fused/infer`: inputs for several models in one request, run as one fused program; each model's answer leaves
/// as soon as it is there.
///
/// The body is `{"requests": [{"model_name": …, "model_version"?: …, …}, …], "parameters"?: {…}}`, each of the requests as
/// it is for one model, with binary tensors after the JSON in the order in which it names them. The whole's parameters are
/// those of each request that does not have them itself. The answers come as lines of JSON (`application/x-ndjson`), or
/// as parts of `multipart/mixed` with binary tensors to clients that accept that. Each is the model's own response with
/// its place in the request as `index`, or `{"index": …, "model_name": …, "error": …, "code": …}`.
struct FusedRoutes: RouteFamily {
  /// The most requests of one call.
  static let maximumRequests = 256

  func add(to routes: Routes) {
    routes.on(.post, "v2/fused/infer", nil) { call in try await respond(to: call) }
  }

  private func respond(to call: HTTPCall) async throws -> Response {
    let requests = try await FusedRoutes.requests(of: call)
    let permitted = requests.map { request in
      Result { () throws(ServiceError) in try call.tenant(.infer(model: request.model)) }
    }
    let admitted = requests.indices.filter { (try? permitted[$0].get()) != nil }
    if admitted.isEmpty, case .failure(let error)? = permitted.first { throw error }
    let isMultipart = call.request.headers[.accept]?.contains("multipart/mixed") == true
    let form = isMultipart ? FusedForm.parts(boundary: "fused-\(UUID().uuidString)") : .lines
    let prepared = zip(requests, permitted).map { request, tenant in
      var request = form.prepared(request, tenant: (try? tenant.get()) ?? "")
      request.arrival = call.context.arrival
      return request
    }
    let (service, held) = (call.service, call.context.answer)
    return Response(
      status: .ok, headers: [.contentType: form.contentType],
      body: ResponseBody { writer in
        for (index, tenant) in permitted.enumerated() {
          guard case .failure(let error) = tenant else { continue }
          try await writer.write(await form.piece(index, prepared[index], .failure(error), holding: held))
        }
        let (answers, continuation) = AsyncStream.makeStream(
          of: (index: Int, result: Result<InferResponse, ServiceError>).self)
        // A client that goes away ends this task, and with it all work that has not begun.
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask {
            await service.infer(together: admitted.map { prepared[$0] }) { position, result in
              continuation.yield((admitted[position], result))
            }
            continuation.finish()
          }
          for await (index, result) in answers {
            try await writer.write(await form.piece(index, prepared[index], result, holding: held))
          }
          try await group.waitForAll()
        }
        if let end = form.end { try await writer.write(end) }
        try await writer.finish(nil)
      })
  }

  /// Reads the requests out of the call's body.
  private static func requests(of call: HTTPCall) async throws -> [InferRequest] {
    let body = TensorBuffer(try await call.body())
    var length = body.bytes.count
    if let field = call.request.headers[.inferenceHeaderLength] {
      guard let given = Int(field), given > 0, given <= length else {
        throw ProtocolError(
          "Inference-Header-Content-Length is '\(shown(field))', the body has \(body.bytes.count) bytes")
      }
      length = given
    }
    let held = call.context.held
    try held.reserve(length)
    return try await HTTPCall.heavy(length) { [length] in
      try requests(in: body, headerLength: length, holding: held)
    }
  }

  /// - Parameter headerLength: bytes of JSON, which the tensors follow.
  private static func requests(
    in body: TensorBuffer, headerLength length: Int, holding held: HeldBytes
  ) throws -> [InferRequest] {
    var reader = JSONReader(UnsafeRawBufferPointer(rebasing: body.bytes.prefix(length)))
    var tail = BinaryTail(body, from: length)
    reader.held = held
    tail.held = held
    var requests: [InferRequest] = []
    var shared: [String: Parameter] = [:]
    try withExtendedLifetime(body) {
      try reader.readObject { reader, member in
        switch member {
        case "requests":
          try reader.readArray { reader in
            guard requests.count < maximumRequests else {
              throw ServiceError(.tooLarge, "a call may have at most \(maximumRequests) requests")
            }
            do { requests.append(try request(&reader, &tail)) } catch let error as ProtocolError {
              throw ProtocolError("request \(requests.count): \(error)")
            }
          }
        case "parameters": shared = try reader.readParameters()
        default: try reader.skipValue()
        }
      }
      try reader.finish()
    }
    try tail.finish()
    guard !requests.isEmpty else { throw ProtocolError("the call has no 'requests'") }
    return requests.map { request in
      var request = request
      request.parameters.merge(shared) { own, _ in own }
      request.held = held
      return request
    }
  }

  private static func request(
    _ reader: inout JSONReader, _ tail: inout BinaryTail
  ) throws -> InferRequest {
    var model: String?
    var version: Int?
    var request = try InferRequest(json: &reader, tail: &tail, model: "") { reader, member in
      switch member {
      case "model_name": model = try reader.readString()
      case "model_version":
        let text: String
        if try reader.kind() == .number {
          guard case .int(let value) = try reader.readNumber() else {
            throw ProtocolError("'model_version' is not a whole number")
          }
          text = "\(value)"
        } else {
          text = try reader.readString()
        }
        version = try Int(modelVersion: text)
      default: try reader.skipValue()
      }
    }
    guard let model else { throw ProtocolError("it has no 'model_name'") }
    request.model = model
    request.version = version
    return request
  }
}

/// The format of a fused call's answers.
enum FusedForm: Sendable {
  case lines
  case parts(boundary: String)

  var contentType: String {
    switch self {
    case .lines: "application/x-ndjson"
    case .parts(let boundary): "multipart/mixed; boundary=\"\(boundary)\""
    }
  }

  /// The bytes after the last answer.
  var end: ByteBuffer? {
    guard case .parts(let boundary) = self else { return nil }
    return ByteBuffer(string: "--\(boundary)--\r\n")
  }

  /// The request as its answer is encoded by: lines carry JSON alone, parts binary tensors unless it says otherwise.
  func prepared(_ request: InferRequest, tenant: String) -> InferRequest {
    var request = request
    request.tenant = tenant
    switch self {
    case .lines:
      request.parameters["binary_data_output"] = nil
      for index in request.outputs.indices { request.outputs[index].isBinary = false }
    case .parts:
      request.parameters["binary_data_output"] = request.parameters["binary_data_output"] ?? .bool(true)
    }
    return request
  }

  /// One answer, ready to be sent.
  /// - Parameter held: what the answer is counted in, as the one before it no more.
  func piece(
    _ index: Int, _ request: InferRequest, _ result: Result<InferResponse, ServiceError>,
    holding held: HeldBytes
  ) async throws -> ByteBuffer {
    try await HTTPCall.heavy((try? result.get())?.byteCount ?? 0) {
      encoded(index, request, result, holding: held)
    }
  }

  private func encoded(
    _ index: Int, _ request: InferRequest, _ result: Result<InferResponse, ServiceError>,
    holding held: HeldBytes
  ) -> ByteBuffer {
    let encoded: EncodedInferResponse
    do {
      let response = try result.get()
      let (json, tail) = response.encodedBound(for: request)
      try held.change(to: 2 * json + tail)
      encoded = try response.encoded(for: request) { writer in
        writer.raw(",\"index\":")
        writer.number(index)
      }
    } catch { encoded = FusedForm.failure(index, request, error) }
    let byteCount = encoded.tail.reduce(encoded.json.count) { $0 + $1.byteCount }
    var buffer = ByteBufferAllocator().buffer(capacity: byteCount + 256)
    if case .parts(let boundary) = self {
      buffer.writeString("--\(boundary)\r\n")
      let type = encoded.tail.isEmpty ? "application/json" : "application/octet-stream"
      buffer.writeString("Content-Type: \(type)\r\nContent-Length: \(byteCount)\r\n")
      buffer.writeString("Inference-Header-Content-Length: \(encoded.json.count)\r\n\r\n")
    }
    buffer.writeBytes(encoded.json)
    for part in encoded.tail { part.withUnsafeBytes { _ = buffer.writeBytes($0) } }
    buffer.writeString(self.isLines ? "\n" : "\r\n")
    return buffer
  }

  private var isLines: Bool { if case .lines = self { true } else { false } }

  private static func failure(
    _ index: Int, _ request: InferRequest, _ error: any Error
  ) -> EncodedInferResponse {
    var writer = JSONWriter()
    writer.raw("{\"index\":")
    writer.number(index)
    writer.raw(",\"model_name\":")
    writer.string(request.model)
    if !request.id.isEmpty {
      writer.raw(",\"id\":")
      writer.string(request.id)
    }
    writer.raw(",\"error\":")
    let known = (error as? AccountFull).map(ServiceError.init) ?? error as? ServiceError
    writer.string(known?.description ?? "\(error)")
    writer.raw(",\"code\":")
    writer.number(known?.httpStatus ?? 400)
    writer.raw("}")
    return EncodedInferResponse(json: writer.bytes)
  }
}
