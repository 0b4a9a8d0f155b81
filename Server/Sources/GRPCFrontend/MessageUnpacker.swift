import InferenceProtocol
import NIOCore
import Serving

/// Decompresses the messages of one stream while their bytes arrive, in the transport's place: the transport would reset the
/// stream, without a status, for a message that becomes too large, and counts its bytes nowhere.
package struct MessageUnpacker {
  private let coding: ContentCoding
  private let limit: Int
  /// The bytes of an incomplete message, after its prefix.
  private var payload = ByteBuffer()
  private var prefix = ByteBuffer()
  private var missing = 0

  /// - Parameter limit: the most bytes of one message, compressed and decompressed.
  package init(_ coding: ContentCoding, limit: Int) {
    self.coding = coding
    self.limit = limit
  }

  /// Bytes of a message that has not come completely.
  package var pending: Int { prefix.readableBytes + payload.readableBytes }

  /// - Parameter held: takes what comes out, before there is memory for it.
  /// - Returns: the messages that are complete now, none of them compressed, each behind its prefix.
  /// - Throws: `ProtocolError` for what is not compressed as the call's header says, ``ServiceError`` when a message is too
  ///   large, `AccountFull`.
  package mutating func take(_ bytes: ByteBuffer, holding held: HeldBytes) throws -> ByteBuffer {
    var rest = bytes
    var result = ByteBuffer()
    while rest.readableBytes > 0 {
      if prefix.readableBytes < MessageUnpacker.prefixBytes {
        if let part = rest.readSlice(
          length: min(MessageUnpacker.prefixBytes - prefix.readableBytes, rest.readableBytes))
        {
          prefix.writeImmutableBuffer(part)
        }
        guard prefix.readableBytes == MessageUnpacker.prefixBytes else { break }
        missing = Int(prefix.getInteger(at: prefix.readerIndex + 1, as: UInt32.self) ?? 0)
        guard missing <= limit else { throw tooLarge(missing) }
      } else if let part = rest.readSlice(length: min(missing, rest.readableBytes)) {
        missing -= part.readableBytes
        payload.writeImmutableBuffer(part)
      }
      if missing == 0, prefix.readableBytes == MessageUnpacker.prefixBytes {
        try unpack(into: &result, holding: held)
      }
    }
    return result
  }

  private static let prefixBytes = 5

  private mutating func unpack(into result: inout ByteBuffer, holding held: HeldBytes) throws {
    let before = held.byteCount
    var message = payload
    if prefix.getInteger(at: prefix.readerIndex, as: UInt8.self) == 1 {
      do { message = try coding.decompress(payload, limit: limit, holding: held) } catch let error
        as ServiceError
        where error.kind == .tooLarge
      { throw tooLarge(nil) }
    }
    result.reserveCapacity(minimumWritableBytes: MessageUnpacker.prefixBytes + message.readableBytes)
    result.writeInteger(0 as UInt8)
    result.writeInteger(UInt32(message.readableBytes))
    result.writeImmutableBuffer(message)
    prefix.clear()
    payload = ByteBuffer()
    // The buffer that it was decompressed into ends here, and was larger.
    held.lower(to: before + MessageUnpacker.prefixBytes + message.readableBytes)
  }

  private func tooLarge(_ length: Int?) -> ServiceError {
    let message = length.map { "a message of \($0) bytes" } ?? "a decompressed message"
    return ServiceError(.tooLarge, "\(message) is larger than the \(limit) bytes that this server takes")
  }
}
