import InferenceProtocol
import NIOHTTP1

/// Counts the memory of one connection's request heads: of an unfinished one while its bytes arrive, and of complete ones until
/// their requests end.
///
/// A head is counted twice: as bytes that are not decoded, whose buffer grows by powers of two, and as the strings of its fields.
package struct HeadBytes {
  /// The part of the connection's own share, which is not counted: heads of up to 4 KiB.
  package static let freeBytes = 8 << 10

  private let held: HeldBytes
  /// Bytes that have arrived after the last complete part.
  private var unfinished = 0
  /// Bytes of the last read. Those of earlier ones belong to no part that comes after the one that is decoded now.
  private var latest = 0
  /// Bytes of the decoded heads whose requests have not ended.
  private var complete = 0

  package init(_ account: ByteAccount) { held = HeldBytes(account) }

  package var countedBytes: Int { held.byteCount }

  /// True when a part of a head has arrived, and not all of it.
  package var hasUnfinished: Bool { unfinished > 0 }

  /// Bytes have arrived that are about to be decoded.
  package mutating func arrived(_ bytes: Int) {
    unfinished += bytes
    latest = bytes
  }

  /// A part has been decoded.
  /// - Throws: `AccountFull` if it is a head for which there is no room.
  package mutating func decoded(_ part: HTTPServerRequestPart) throws(AccountFull) {
    switch part {
    case .head(let head):
      unfinished = min(max(0, unfinished - head.sentBytes), latest)
      complete += head.heldBytes
      // The other bytes that arrived with it may be a body's.
      try count(complete)
    case .body(let bytes): unfinished = max(0, unfinished - bytes.readableBytes)
    case .end: unfinished = min(unfinished, latest)
    }
  }

  /// All bytes that arrived have been decoded, as far as that is possible.
  /// - Parameter undecoded: the bytes that the decoder keeps; an unfinished head, or trailer, has some.
  package mutating func settle(undecoded: Int) throws(AccountFull) {
    if undecoded == 0 { unfinished = 0 }
    try count(complete + unfinished)
  }

  /// The request with a head has ended.
  package mutating func ended(_ head: HTTPRequestHead) {
    complete = max(0, complete - head.heldBytes)
    held.lower(to: HeadBytes.counted(complete + unfinished))
  }

  /// Gives everything back: the decoder is gone.
  package mutating func release() {
    unfinished = 0
    complete = 0
    held.lower(to: 0)
  }

  private func count(_ bytes: Int) throws(AccountFull) { try held.change(to: HeadBytes.counted(bytes)) }

  private static func counted(_ bytes: Int) -> Int { max(0, 2 * bytes - freeBytes) }
}

extension HTTPRequestHead {
  private var textBytes: Int {
    headers.reduce(uri.utf8.count) { $0 + $1.name.utf8.count + $1.value.utf8.count }
  }

  /// The bytes of the head on its way, at least.
  fileprivate var sentBytes: Int { textBytes + 3 * headers.count }

  /// The memory of the head: its text, and its strings.
  fileprivate var heldBytes: Int { textBytes + 64 * headers.count + 256 }
}
