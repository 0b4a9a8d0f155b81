import NIOCore

/// Sees bytes before they are decoded, and reads before they are asked of the socket.
final class ConnectionGate: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer

  private let connection: ConnectionHandler
  private let rest: RequestDecoder.Rest

  /// - Parameter rest: what the decoder behind this handler keeps.
  init(_ connection: ConnectionHandler, rest: RequestDecoder.Rest) {
    self.connection = connection
    self.rest = rest
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !connection.isEnding else { return }
    connection.bytesArrived(unwrapInboundIn(data).readableBytes)
    context.fireChannelRead(data)
    connection.bytesDecoded(undecoded: rest.bytes)
  }

  func read(context: ChannelHandlerContext) {
    if connection.mayRead() { context.read() }
  }
}
