import Device
import NIOCore

/// Counts the channels of a kind that are open.
final class OpenChannels: Sendable {
  private let limit: Int
  private let open = Locked(0)

  /// - Parameter limit: how many there may be.
  init(limit: Int) { self.limit = limit }

  /// Counts a channel until it is closed.
  /// - Returns: whether it is one too many.
  func add(_ channel: any Channel) -> Bool {
    channel.closeFuture.whenComplete { [open] _ in open.withLock { $0 -= 1 } }
    return open.withLock { open in
      open += 1
      return open > limit
    }
  }
}
