import NIOCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension Channel {
  /// The number of bytes that the other side has acknowledged since the connection began; `nil` where the system does not tell. To be
  /// asked on the channel's event loop.
  package var acknowledgedBytes: UInt64? {
    var count: UInt64?
    let info: EventLoopFuture<TCPInfo>? = (self as? any SocketOptionProvider)?
      .unsafeGetSocketOption(level: .tcp, name: NIOBSDSocket.Option(rawValue: TCP_INFO))
    // It is there at once, since this is the event loop.
    info?.assumeIsolated().whenSuccess { count = $0.acknowledgedBytes }
    return count
  }
}

/// The beginning of Linux's `struct tcp_info` (linux/tcp.h), which only ever grows at its end.
private struct TCPInfo: Sendable {
  /// Eight bytes, and twenty-four numbers of four bytes.
  var rest: InlineArray<13, UInt64>
  var pacingRate: UInt64
  var maximumPacingRate: UInt64
  var acknowledgedBytes: UInt64
}
