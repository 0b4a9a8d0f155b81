import Device
import NIOCore

/// Closes connections beyond a number.
final class ConnectionLimit: Sendable {
  private let limit: Int
  private let open = Locked(0)

  init(_ limit: Int) { self.limit = limit }

  /// Counts a connection until it is closed.
  func accept(_ channel: any Channel) -> EventLoopFuture<Void> {
    let isTooMany = open.withLock { open in
      open += 1
      return open > limit
    }
    channel.closeFuture.whenComplete { [open] _ in open.withLock { $0 -= 1 } }
    // After the transport has set it up: one that fails before would end the server.
    if isTooMany { channel.eventLoop.execute { channel.close(promise: nil) } }
    return channel.eventLoop.makeSucceededVoidFuture()
  }
}
