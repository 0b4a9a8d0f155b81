import Telemetry

/// The counts of connections and of their requests, whatever these ask for.
public struct TransportCounts: Sendable {
  /// One kind of request and how it ended. The names of routes are the server's own, never what a client sent.
  public struct Route: Hashable, Sendable {
    public var transport: String
    public var route: String
    public var status: Int

    public init(transport: String, route: String, status: Int) {
      self.transport = transport
      self.route = route
      self.status = status
    }
  }

  public var requests = LabelledCounts<Route>(
    limit: 500, rest: Route(transport: "other", route: "other", status: 0))
  public var receivedBytes: UInt64 = 0
  public var openConnections = 0
}
