import Hummingbird
import InferenceProtocol
import NIOCore
import Serving

/// `v2/repository`: the index, load and unload (Triton's model repository extension).
struct RepositoryRoutes: RouteFamily {
  func add(to routes: Routes) {
    routes.on(.post, "v2/repository/index", .read) { call in
      let onlyReady = try await call.readObject(into: false) { onlyReady, reader, member in
        if member == "ready" { onlyReady = try reader.readBool() } else { try reader.skipValue() }
      }
      return try await Response(json: call.service.repositoryIndex(onlyReady: onlyReady))
    }
    routes.on(.post, "v2/repository/models/:model/load", .administer) { call in
      try await call.service.load(call.parameter("model"), parameters: call.readParameters())
      return Response(status: .ok)
    }
    routes.on(.post, "v2/repository/models/:model/unload", .administer) { call in
      let dependents = try await call.readParameters()["unload_dependents"] == .bool(true)
      try await call.service.unload(call.parameter("model"), dependents: dependents)
      return Response(status: .ok)
    }
  }
}

extension HTTPCall {
  /// Reads the body as one object, member by member; an empty body is an empty object.
  /// - Parameter read: takes the member that is named over into the result.
  /// - Throws: `ProtocolError`, ``ServiceError``.
  func readObject<Result: Sendable>(
    into initial: Result, _ read: @escaping @Sendable (inout Result, inout JSONReader, String) throws -> Void
  ) async throws -> Result {
    let body = try await body()
    guard body.readableBytes > 0 else { return initial }
    // Texts as they are read, and what is made of them.
    try context.held.reserve(2 * body.readableBytes)
    return try await HTTPCall.heavy(body.readableBytes) {
      try body.withUnsafeReadableBytes { bytes in
        var result = initial
        var reader = JSONReader(bytes)
        try reader.readObject { reader, member in try read(&result, &reader, member) }
        try reader.finish()
        return result
      }
    }
  }

  /// The `parameters` of the object that the body is.
  func readParameters() async throws -> [String: Parameter] {
    try await readObject(into: [:]) { parameters, reader, member in
      if member == "parameters" {
        parameters = try reader.readParameters()
      } else {
        try reader.skipValue()
      }
    }
  }
}
