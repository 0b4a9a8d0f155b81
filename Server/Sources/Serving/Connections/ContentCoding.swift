import CZlib
import InferenceProtocol
import NIOCore

/// The compressions of bodies that clients use: gzip, and deflate in zlib's format (RFC 9110, 8.4.1).
package enum ContentCoding: String, Sendable {
  case gzip
  case deflate

  /// Parses `Content-Encoding`; `nil` for a body that is not encoded.
  /// - Throws: `ProtocolError` for an encoding that this server does not support.
  package init?(contentEncoding field: String?) throws(ProtocolError) {
    switch field?.lowercased() {
    case nil, "", "identity": return nil
    case "gzip", "x-gzip": self = .gzip
    case "deflate": self = .deflate
    default: throw ProtocolError("Content-Encoding must be gzip or deflate")
    }
  }

  /// The first of what `Accept-Encoding` names that this server knows; `nil`: none.
  package init?(acceptEncoding field: String?) {
    guard let field else { return nil }
    for part in field.lowercased().split(separator: ",") {
      let words = part.split(separator: ";").map { $0.filter { $0 != " " } }
      guard let name = words.first, let coding = ContentCoding(rawValue: name) else { continue }
      if words.dropFirst().contains(where: { $0.hasPrefix("q=0") && Double($0.dropFirst(2)) == 0 }) {
        continue
      }
      self = coding
      return
    }
    return nil
  }

  /// Added to the size of zlib's window: which of its formats is meant.
  private var windowBits: Int32 { MAX_WBITS + (self == .gzip ? 16 : 0) }

  private static let pieceBytes = 256 << 10

  /// Returns the maximum memory for compressing so many bytes: their compressed form, which may be larger by a
  /// thousandth, and one more piece.
  package static func compressionBound(of byteCount: Int) -> Int {
    byteCount + byteCount / 512 + 2 * pieceBytes
  }

  /// The body that `bytes` are the compression of.
  /// - Parameters:
  ///   - limit: the most bytes that come out.
  ///   - held: takes what comes out, before there is memory for it.
  /// - Throws: `ProtocolError` for what is not compressed so, ``ServiceError`` when too much comes out, `AccountFull`.
  package func decompress(_ bytes: ByteBuffer, limit: Int, holding held: HeldBytes) throws -> ByteBuffer {
    var stream = z_stream()
    guard
      inflateInit2_(&stream, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { throw ServiceError(.failed, "there is no memory to decompress with") }
    defer { inflateEnd(&stream) }
    var result = ByteBuffer()
    try bytes.withUnsafeReadableBytes { source in
      try feed(source, to: &stream) { stream in
        guard result.readableBytes <= limit else {
          throw ServiceError(
            .tooLarge, "the decompressed body exceeds the server's limit of \(limit) bytes")
        }
        try held.reserve(ContentCoding.pieceBytes)
        let status = ContentCoding.fill(&result, from: &stream) { inflate(&$0, Z_NO_FLUSH) }
        switch status {
        case Z_STREAM_END: return false
        case Z_OK where stream.avail_in > 0 || stream.avail_out == 0: return true
        default:
          throw ProtocolError(
            "the body is not valid \(rawValue) data as Content-Encoding states, or is truncated")
        }
      }
      guard stream.avail_in == 0 else { throw ProtocolError("bytes follow the compressed body") }
    }
    guard result.readableBytes <= limit else {
      throw ServiceError(
        .tooLarge, "the decompressed body exceeds the server's limit of \(limit) bytes")
    }
    return result
  }

  /// The compression of `parts`, one after another, for speed rather than for size.
  /// - Throws: ``ServiceError`` when there is no memory.
  package func compress(_ parts: [ByteBuffer]) throws -> ByteBuffer {
    var stream = z_stream()
    guard
      deflateInit2_(
        &stream, 1, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
        Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { throw ServiceError(.failed, "there is no memory to compress with") }
    defer { deflateEnd(&stream) }
    var result = ByteBuffer()
    for (index, part) in parts.enumerated() {
      let flush = index == parts.count - 1 ? Z_FINISH : Z_NO_FLUSH
      part.withUnsafeReadableBytes { source in
        feed(source, to: &stream) { stream in
          let status = ContentCoding.fill(&result, from: &stream) { CZlib.deflate(&$0, flush) }
          return flush == Z_FINISH ? status == Z_OK : stream.avail_in > 0 || stream.avail_out == 0
        }
      }
    }
    return result
  }

  /// Gives a stream its input and calls `body` for as long as it returns true. Bodies are bounded far below what a
  /// stream counts in.
  private func feed<Failure: Error>(
    _ source: UnsafeRawBufferPointer, to stream: inout z_stream,
    _ body: (inout z_stream) throws(Failure) -> Bool
  ) throws(Failure) {
    // zlib reads its input and never writes to it.
    stream.next_in = UnsafeMutablePointer(
      mutating: source.baseAddress?.assumingMemoryBound(to: UInt8.self))
    stream.avail_in = UInt32(clamping: source.count)
    while try body(&stream) {}
  }

  /// Lets `body` write one piece more.
  private static func fill(
    _ result: inout ByteBuffer, from stream: inout z_stream, _ body: (inout z_stream) -> Int32
  ) -> Int32 {
    var status: Int32 = Z_OK
    result.writeWithUnsafeMutableBytes(minimumWritableBytes: pieceBytes) { memory in
      let room = min(memory.count, pieceBytes)
      stream.next_out = memory.baseAddress?.assumingMemoryBound(to: UInt8.self)
      stream.avail_out = UInt32(room)
      status = body(&stream)
      return room - Int(stream.avail_out)
    }
    return status
  }
}
