import HTTPTypes
import Hummingbird
import Logging
import Serving

/// Counts a request by its route and status, and writes its line in the log at the level `debug`.
struct RequestNotes {
  let service: InferenceService
  let method: String
  let requestBytes: Int
  let identity: String
  let began = ContinuousClock.now

  /// - Parameter route: as it was registered, with `{name}` for what clients fill in; `nil` when there is none.
  func answered(_ response: Response, route: String?) {
    let (status, route) = (response.status.code, route ?? "unknown")
    service.telemetry.transport { counts in
      counts.requests.add(TransportCounts.Route(transport: "http", route: route, status: status))
      counts.receivedBytes &+= UInt64(max(0, requestBytes))
    }
    service.log.debug(
      "request",
      metadata: [
        "method": .string(method), "route": .string(route), "status": .stringConvertible(status),
        "request_bytes": .stringConvertible(requestBytes),
        "response_bytes": .stringConvertible(response.body.contentLength ?? 0),
        "took_us": .stringConvertible(Int64((ContinuousClock.now - began) / .microseconds(1))),
        "request_id": .string(identity),
      ])
  }
}
