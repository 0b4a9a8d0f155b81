import Hummingbird
import InferenceProtocol
import Serving

/// `v2/systemsharedmemory`: regions that clients share tensors through (Triton's shared memory extension).
struct SharedMemoryRoutes: RouteFamily {
  func add(to routes: Routes) {
    routes.on(.get, "v2/systemsharedmemory/status", .read) { call in
      try Response(json: call.service.sharedMemory.status(name: nil))
    }
    routes.on(.get, "v2/systemsharedmemory/region/:region/status", .read) { call in
      try Response(json: call.service.sharedMemory.status(name: call.parameter("region")))
    }
    routes.on(.post, "v2/systemsharedmemory/region/:region/register", .administer) { call in
      try await register(call)
      return Response(status: .ok)
    }
    routes.on(.post, "v2/systemsharedmemory/region/:region/unregister", .administer) { call in
      call.service.sharedMemory.unregister(name: try call.parameter("region"))
      return Response(status: .ok)
    }
    routes.on(.post, "v2/systemsharedmemory/unregister", .administer) { call in
      call.service.sharedMemory.unregister(name: nil)
      return Response(status: .ok)
    }
  }

  private struct Range: Sendable {
    var key: String?
    var offset = 0
    var byteCount: Int?
  }

  private func register(_ call: HTTPCall) async throws {
    @Sendable func number(_ reader: inout JSONReader, _ member: String) throws -> Int {
      guard case .int(let value) = try reader.readNumber(), let value = Int(exactly: value), value >= 0 else {
        throw ProtocolError("'\(member)' is not a number of bytes")
      }
      return value
    }
    let range = try await call.readObject(into: Range()) { range, reader, member in
      switch member {
      case "key": range.key = try reader.readString()
      case "offset": range.offset = try number(&reader, member)
      case "byte_size": range.byteCount = try number(&reader, member)
      default: try reader.skipValue()
      }
    }
    guard let key = range.key, let byteCount = range.byteCount else {
      throw ProtocolError("a region needs 'key' and 'byte_size'")
    }
    try call.service.sharedMemory.register(
      name: call.parameter("region"), key: key, offset: range.offset, byteCount: byteCount)
  }
}
