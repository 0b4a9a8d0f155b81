import Hummingbird
import Serving

/// `v2`, `v2/health/live` and `v2/health/ready`.
struct ServerRoutes: RouteFamily {
  func add(to routes: Routes) {
    routes.on(.get, "v2", .look) { call in try Response(json: call.service.metadata) }
    // Live and ready say that requests are taken: no model has to be resident for that.
    routes.on(.get, "v2/health/live", .look) { _ in Response(status: .ok) }
    routes.on(.get, "v2/health/ready", .look) { call in
      Response(status: call.service.readiness.isReady ? .ok : .serviceUnavailable)
    }
  }
}
