/// Follows the messages of one stream while their bytes arrive: each is a byte of flags, four bytes of length, and so many
/// bytes ("Length-Prefixed-Message" of gRPC's PROTOCOL-HTTP2).
package struct MessageMeter {
  /// The most bytes of one message.
  package let limit: Int
  /// Bytes of a message that has not come completely.
  package private(set) var pending = 0
  private var prefix: [UInt8] = []
  private var missing = 0

  package init(limit: Int) { self.limit = limit }

  /// - Parameter onMessage: called for each complete message with its length, prefix included.
  /// - Returns: the length of a message that is larger than the limit, or `nil`. Bytes after such a message
  ///   are ignored.
  package mutating func take(
    _ bytes: UnsafeRawBufferPointer, onMessage: (Int) -> Void = { _ in }
  ) -> Int? {
    var position = 0
    while position < bytes.count {
      if prefix.count < 5 {
        prefix.append(bytes[position])
        position += 1
        pending += 1
        guard prefix.count == 5 else { continue }
        missing = prefix[1...].reduce(0) { $0 << 8 | Int($1) }
        if missing > limit { return missing }
      } else {
        let count = min(missing, bytes.count - position)
        position += count
        pending += count
        missing -= count
      }
      if missing == 0 {
        onMessage(pending)
        prefix.removeAll(keepingCapacity: true)
        pending = 0
      }
    }
    return nil
  }
}
