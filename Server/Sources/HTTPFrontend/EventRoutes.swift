import Hummingbird
import NIOCore
import Serving

/// `GET events`: the server's state and what happens, as server-sent events ("Server-sent events" in the HTML standard).
struct EventRoutes: RouteFamily {
  func add(to routes: Routes) {
    routes.on(.get, "events", .read) { call in
      guard call.request.method == .get else { return EventRoutes.response(ResponseBody()) }
      let messages = try call.service.events.subscribe(to: call.service)
      return EventRoutes.response(
        ResponseBody { writer in
          for await message in messages {
            try await writer.write(ByteBuffer(string: "event: \(message.name)\ndata: \(message.data)\n\n"))
          }
          try await writer.finish(nil)
        })
    }
  }

  private static func response(_ body: ResponseBody) -> Response {
    Response(
      status: .ok,
      headers: [
        .contentType: "text/event-stream", .cacheControl: "no-store",
        // Proxies hand events on at once.
        .accelBuffering: "no",
      ], body: body)
  }
}
