import Serving

/// The address on which the server listens for HTTP, and its limits.
public struct HTTPConfiguration: Sendable {
  /// A certificate and its key, as files in PEM form.
  public struct TLSFiles: Sendable, Hashable {
    /// The server's certificate, and after it those that it is signed by.
    public var certificateChain: String
    public var privateKey: String

    public init(certificateChain: String, privateKey: String) {
      self.certificateChain = certificateChain
      self.privateKey = privateKey
    }
  }

  public var host = "127.0.0.1"
  /// 0: any that is free.
  public var port = 8000
  /// HTTPS instead of HTTP.
  public var tls: TLSFiles?
  /// The hosts and pages that are answered.
  public var origins = OriginRules()
  /// The most bytes of one request's body, compressed or not; more are answered with 413 before they are read.
  public var maxBodyBytes = 256 << 20
  /// The most bytes of a request's header fields, and of its path; more are answered with 431.
  public var maxHeaderBytes = 32 << 10
  /// Connections beyond this wait to be accepted.
  public var maxConnections = 4096
  /// From a request's first byte to the end of its header.
  public var headerTimeout: Duration = .seconds(10)
  /// From the header's end to the body's, and one second more for each ``minimumBytesPerSecond`` that came; also how long
  /// a client may leave bytes of a response unread.
  public var bodyTimeout: Duration = .seconds(20)
  /// The slowest that a body may come, once ``bodyTimeout`` is over.
  public var minimumBytesPerSecond = 16 << 10
  /// The time that a connection may stay open without a request.
  public var idleTimeout: Duration = .seconds(120)

  /// Gives the holes of the heap back to the system; called when many connections are new.
  public var trimHeap: @Sendable () -> Void = {}

  public init() {}
}
