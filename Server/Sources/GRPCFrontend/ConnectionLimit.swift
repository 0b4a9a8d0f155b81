import NIOCore

/// Closes connections beyond a number.
final class ConnectionLimit: Sendable {
  private let open: OpenChannels

  init(_ limit: Int) { open = OpenChannels(limit: limit) }

  /// Counts a connection until it is closed.
  func accept(_ channel: any Channel) -> EventLoopFuture<Void> {
    // After the transport has set it up: one that fails before would end the server.
    if open.add(channel) { channel.eventLoop.execute { channel.close(promise: nil) } }
    return channel.eventLoop.makeSucceededVoidFuture()
  }
}
