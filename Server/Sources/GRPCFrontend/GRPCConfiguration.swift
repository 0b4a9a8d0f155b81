import Serving

/// The address on which the server listens for gRPC, and its limits.
public struct GRPCConfiguration: Sendable {
  /// A certificate and its key, as PEM files.
  public struct TLS: Sendable, Hashable {
    /// The server's certificate, and after it those that it was signed with.
    public var certificatePath: String
    public var keyPath: String

    public init(certificatePath: String, keyPath: String) {
      self.certificatePath = certificatePath
      self.keyPath = keyPath
    }
  }

  /// An address of IPv4 or IPv6.
  public var host = "127.0.0.1"
  /// 0: any that is free.
  public var port = 8001
  /// Plain text when left out.
  public var tls: TLS?

  /// The hosts and pages that are answered.
  public var origins = OriginRules()

  /// The most bytes of one call's metadata, as HTTP/2 counts them. Larger ones end with RESOURCE_EXHAUSTED.
  public var maxHeaderBytes = 64 << 10
  /// The time that a client has for the handshakes of TLS and HTTP/2, and for each header; then its connection is closed.
  public var headerTimeout: Duration = .seconds(10)
  /// The most bytes of one request's message. Larger ones end with RESOURCE_EXHAUSTED.
  public var maxMessageBytes = 256 << 20
  /// The time within which a client must send the next bytes of an incomplete message, and all of it unless it comes at
  /// ``minimumBytesPerSecond``. After it the call ends with DEADLINE_EXCEEDED.
  public var messageTimeout: Duration = .seconds(30)
  /// The slowest that a client may send a message, and take an answer, once ``messageTimeout`` is over.
  public var minimumBytesPerSecond = 16 << 10
  /// The number of bytes that a client may send ahead on one connection (HTTP/2's window).
  public var windowBytes = 8 << 20
  /// The largest HTTP/2 frame that the server takes.
  public var maxFrameBytes = 1 << 20

  /// Calls at a time on one connection; more wait at the client.
  public var maxConcurrentCalls = 1024
  /// Connections at a time. At the limit idle ones are closed, and more wait until there is room.
  public var maxConnections = 1024
  /// Calls at a time on all connections; one more ends with RESOURCE_EXHAUSTED. One connection alone may have all of its own.
  var maxOpenCalls: Int { max(maxConcurrentCalls, 4 * maxConnections) }
  /// Requests of one stream that are worked on at a time; more are not read meanwhile.
  public var maxRequestsInFlightPerStream = 256

  /// A connection without calls is closed after this, and a stream of requests ends with UNAVAILABLE on which nothing has come
  /// or gone for so long; `nil`: never.
  public var maxIdle: Duration? = .seconds(3600)
  /// After so long without hearing anything from a client the server asks whether it is still there.
  public var keepaliveTime: Duration = .seconds(60)
  /// A client that does not answer for so long is gone.
  public var keepaliveTimeout: Duration = .seconds(20)
  /// Clients that ask more often than this, without a call, are cut off.
  public var minPingInterval: Duration = .seconds(5)

  /// Takes compressed requests (gzip, deflate), and answers them compressed where the client takes that.
  public var compression = true

  /// Gives the holes of the heap back to the system; called when many connections are new.
  public var trimHeap: @Sendable () -> Void = {}

  public init() {}
}
