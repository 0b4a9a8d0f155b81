import Foundation

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// Asks a server over HTTP in the Open Inference Protocol. Tensors travel as bytes behind the JSON, whose length a header
/// field gives: Triton's binary tensor data extension.
struct InferenceClient {
  /// The server said no, or what it said cannot be read.
  struct Refusal: Error, CustomStringConvertible { var description: String }

  private static let headerLength = "Inference-Header-Content-Length"

  var server: URL

  func metadata(of model: String) async throws -> ModelMetadata {
    let (body, _) = try await answer(to: URLRequest(url: server.appending(path: "v2/models/\(model)")))
    return try JSONDecoder().decode(ModelMetadata.self, from: body)
  }

  /// The outputs of `model` for `inputs`. The model need not be in memory: the request brings it in.
  /// - Throws: ``Refusal``, or what URLSession and JSONDecoder throw.
  func infer(_ model: String, inputs: [Tensor]) async throws -> [Tensor] {
    let header = try JSONEncoder().encode(
      InferRequest(
        inputs: inputs.map {
          .init(
            name: $0.name, datatype: $0.datatype, shape: $0.shape,
            parameters: .init(bytes: $0.data.count))
        }))
    var request = URLRequest(url: server.appending(path: "v2/models/\(model)/infer"))
    request.httpMethod = "POST"
    request.setValue("application/octet-stream", forHTTPHeaderField: "Content-Type")
    request.setValue("\(header.count)", forHTTPHeaderField: Self.headerLength)
    request.httpBody = inputs.reduce(into: header) { $0.append($1.data) }

    let (body, response) = try await answer(to: request)
    guard let length = response.value(forHTTPHeaderField: Self.headerLength).flatMap({ Int($0) }),
      (0...body.count).contains(length)
    else { throw Refusal(description: "the answer has no binary tensors") }
    var rest = body.dropFirst(length)
    return try JSONDecoder().decode(InferResponse.self, from: body.prefix(length)).outputs.map { output in
      let size = output.parameters.bytes
      guard (0...rest.count).contains(size) else { throw Refusal(description: "the answer is cut short") }
      defer { rest = rest.dropFirst(size) }
      return Tensor(
        name: output.name, datatype: output.datatype, shape: output.shape, data: rest.prefix(size))
    }
  }

  private func answer(to request: URLRequest) async throws -> (Data, HTTPURLResponse) {
    let (body, response) = try await URLSession.shared.data(for: request)
    guard let response = response as? HTTPURLResponse else { throw Refusal(description: "this is not HTTP") }
    guard response.statusCode == 200 else {
      let message = (try? JSONDecoder().decode(ErrorBody.self, from: body))?.error
      throw Refusal(
        description: "HTTP \(response.statusCode): \(message ?? String(decoding: body, as: UTF8.self))")
    }
    return (body, response)
  }
}
