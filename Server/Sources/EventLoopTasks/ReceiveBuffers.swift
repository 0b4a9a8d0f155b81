import NIOCore

/// The buffers that a connection reads into: a small one that it keeps, and larger ones while much arrives, each of which is
/// freed when its bytes have been processed.
///
/// NIO's own allocator keeps up to four buffers of the largest size for each connection, idle or not.
package struct ReceiveBuffers: RecvByteBufferAllocator {
  /// The bytes of the buffer that a connection keeps.
  package static let keptBytes = 4 << 10

  private let maximum: Int
  private var next = ReceiveBuffers.keptBytes

  /// - Parameter maximum: the most bytes of one read.
  package init(maximum: Int) { self.maximum = max(maximum, ReceiveBuffers.keptBytes) }

  /// Makes a connection that has read nothing yet use such buffers. It reads once at a time: for each further read, NIO would
  /// keep one more buffer.
  package static func use(maximum: Int, in channel: any Channel) throws {
    let options = channel.syncOptions
    try options?.setOption(.maxMessagesPerRead, value: 1)
    try options?.setOption(.recvAllocator, value: ReceiveBuffers(maximum: maximum))
  }

  package func buffer(allocator: ByteBufferAllocator) -> ByteBuffer { allocator.buffer(capacity: next) }

  /// - Returns: true if the next read is not to use the buffer that is kept.
  package mutating func record(actualReadBytes: Int) -> Bool {
    if actualReadBytes >= next {
      next = min(next * 4, maximum)
    } else if actualReadBytes < ReceiveBuffers.keptBytes {
      next = ReceiveBuffers.keptBytes
    }
    return next > ReceiveBuffers.keptBytes
  }
}
