import NIOCore
import NIOHTTP1

/// NIO's decoder of requests, which also notes how many bytes of an unfinished head it keeps.
struct RequestDecoder: ByteToMessageDecoder {
  typealias InboundOut = HTTPServerRequestPart

  /// The bytes that could not be decoded yet; outlives the decoder.
  final class Rest {
    fileprivate(set) var bytes = 0
  }

  private let decoder: HTTPRequestDecoder
  private let rest: Rest

  /// - Parameter maxHeaderBytes: the most bytes of a head, and of one of its fields.
  init(maxHeaderBytes: Int, rest: Rest) {
    var limits = NIOHTTPDecoderLimitConfiguration()
    limits.maxHeaderFieldSize = maxHeaderBytes
    limits.maxHeaderListSize = maxHeaderBytes
    limits.maxHeaderFieldCount = 200
    decoder = HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: limits)
    self.rest = rest
  }

  func decoderAdded(context: ChannelHandlerContext) { decoder.decoderAdded(context: context) }

  func decoderRemoved(context: ChannelHandlerContext) { decoder.decoderRemoved(context: context) }

  func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
    defer { rest.bytes = buffer.readableBytes }
    return try decoder.decode(context: context, buffer: &buffer)
  }

  func decodeLast(
    context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool
  ) throws -> DecodingState {
    defer { rest.bytes = buffer.readableBytes }
    return try decoder.decodeLast(context: context, buffer: &buffer, seenEOF: seenEOF)
  }
}
