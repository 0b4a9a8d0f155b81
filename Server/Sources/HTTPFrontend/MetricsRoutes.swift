import Hummingbird
import Serving
import Telemetry

/// `GET metrics`: what Prometheus reads.
struct MetricsRoutes: RouteFamily {
  func add(to routes: Routes) {
    routes.on(.get, "metrics", .read) { call in
      Response(
        status: .ok, headers: [.contentType: Exposition.contentType, .cacheControl: "no-store"],
        body: ResponseBody(byteBuffer: ByteBuffer(string: call.service.metricsText)))
    }
  }
}
