import EventLoopTasks
import NIOCore
import NIOHTTP2

/// Closes a connection that the transport is done with, and loses nothing of what was written to it.
///
/// The transport closes a connection as soon as the last answer of a shutdown was handed down. What the client has not taken yet
/// would be dropped then; and bytes of the client's that nobody reads would make the system reset the connection, which drops the
/// rest. So the answers are written first, the client is told that no more will come, and what it still sends is thrown away
/// until it closes, too.
final class LingeringClose: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// How long a client has to close, once it was told.
  private static let farewell = TimeAmount.seconds(1)

  private let patience: TimeAmount
  private var isClosing = false
  private var timer: Scheduled<Void>?

  /// - Parameter patience: how long a client has to take what was written.
  init(patience: TimeAmount) { self.patience = patience }

  func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if !isClosing { context.fireChannelRead(data) }
  }

  /// The channel closes its output when all is written, and says so.
  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if isClosing, let event = event as? ChannelEvent, event == .outputClosed {
      closeAfter(Self.farewell, context)
    }
    context.fireUserInboundEventTriggered(event)
  }

  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    guard mode == .all, context.channel.isActive else { return context.close(mode: mode, promise: promise) }
    context.channel.closeFuture.cascade(to: promise)
    if isClosing { return }
    isClosing = true
    closeAfter(patience, context)
    context.close(mode: .output, promise: nil)
  }

  private func closeAfter(_ time: TimeAmount, _ context: ChannelHandlerContext) {
    timer?.cancel()
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: time) { context.close(promise: nil) }
  }

  /// Adds one to a connection, behind whatever closes it without delay.
  static func add(to channel: any Channel, patience: TimeAmount) throws {
    let pipeline = channel.pipeline.syncOperations
    try pipeline.addHandler(
      LingeringClose(patience: patience), position: .before(try pipeline.handler(type: NIOHTTP2Handler.self)))
  }
}
