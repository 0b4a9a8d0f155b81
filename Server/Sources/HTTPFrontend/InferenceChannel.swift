import EventLoopTasks
import Hummingbird
import HummingbirdCore
import InferenceProtocol
import Logging
import NIOCore
import NIOHTTP1

/// Turns an accepted connection into one that speaks HTTP/1.1 with this server.
///
/// Hummingbird's own channel hands each part of a request to a task of its own. Here a request is collected
/// on the event loop and handed on as a whole: limits are enforced before anything waits, one hop is enough,
/// and a client that goes away is noticed while its request runs.
struct InferenceChannel: ServerChildChannel {
  struct Value: ServerChildChannelValue {
    let channel: any Channel
  }

  let configuration: HTTPConfiguration
  let account: ByteAccount
  let connections: ConnectionLimit
  /// Told of each connection that opens (1) or closes (-1).
  let countConnections: @Sendable (Int) -> Void
  /// Says by its header why a request of a client at an address is not to be read, and whether it has a body.
  let gate: @Sendable (SocketAddress?, HTTPRequestHead, Bool) -> ConnectionState.Refusal?
  let respond: @Sendable (SocketAddress?) -> ConnectionHandler.Responder

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
    channel.eventLoop.makeCompletedFuture {
      let options = channel.syncOptions
      // A client that shuts its side down is taken to be gone: whether it is cannot be told apart.
      try options?.setOption(.allowRemoteHalfClosure, value: false)
      try ReceiveBuffers.use(maximum: TLSPiece.readBytes, in: channel)
      let connection = ConnectionHandler(
        state: ConnectionState(
          limits: limits, account: account, now: ConnectionHandler.now,
          gate: { [gate, address = channel.remoteAddress] in gate(address, $0, $1) }),
        connections: connections, writtenBytes: configuration.tls != nil ? TLSPiece.writtenBytes : .max,
        respond: respond(channel.remoteAddress))
      let pipeline = channel.pipeline.syncOperations
      let rest = RequestDecoder.Rest()
      try pipeline.addHandlers(
        ConnectionGate(connection, rest: rest), HTTPResponseEncoder(),
        ByteToMessageHandler(RequestDecoder(maxHeaderBytes: configuration.maxHeaderBytes, rest: rest)),
        NIOHTTPResponseHeadersValidator())
      try pipeline.addHandler(connection)
      return Value(channel: channel)
    }
  }

  func handle(value: Value, logger: Logger) async {
    countConnections(1)
    try? await value.channel.closeFuture.get()
    countConnections(-1)
  }

  private var limits: ConnectionState.Limits {
    ConnectionState.Limits(
      maxBodyBytes: configuration.maxBodyBytes, headerTimeout: configuration.headerTimeout.nanoseconds,
      bodyTimeout: configuration.bodyTimeout.nanoseconds, idleTimeout: configuration.idleTimeout.nanoseconds,
      minimumBytesPerSecond: UInt64(max(configuration.minimumBytesPerSecond, 1)))
  }
}

extension Duration {
  /// Whole nanoseconds; 0 for less, the largest number for more than it holds.
  fileprivate var nanoseconds: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    let (product, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    return overflow ? .max >> 1 : min(product &+ UInt64(attoseconds) / 1_000_000_000, .max >> 1)
  }
}
