import Hummingbird
import Serving

/// Triton's routes that this server does not support. They answer as a Triton built without them does.
struct UnsupportedRoutes: RouteFamily {
  private struct Empty: Encodable {
    func encode(to encoder: any Encoder) throws { _ = encoder.unkeyedContainer() }
  }

  func add(to routes: Routes) {
    for path in ["v2/logging", "v2/trace/setting", "v2/models/:model/trace/setting"] {
      for method in [.get, .post] as [HTTPRequest.Method] {
        routes.on(method, path, .read) { _ in
          throw ServiceError(
            .unsupported,
            path == "v2/logging"
              ? "log settings can only be set when the server starts" : "this server does not support tracing"
          )
        }
      }
    }
    for path in ["v2/cudasharedmemory", "v2/cudasharedmemory/region/:region"] {
      routes.on(.get, path + "/status", .read) { _ in try Response(json: Empty()) }
      routes.on(.post, path + "/register", .administer) { _ in
        throw ServiceError(.unsupported, "there is no CUDA device: CUDA shared memory cannot be registered")
      }
      // There is nothing to take back, which clients do when they begin.
      routes.on(.post, path + "/unregister", .administer) { _ in Response(status: .ok) }
    }
  }
}
