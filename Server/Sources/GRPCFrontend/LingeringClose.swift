import EventLoopTasks
import NIOCore
import NIOHTTP2

/// Closes a connection that the transport is done with, and loses nothing of what was written to it.
///
/// The transport closes a connection as soon as the last answer of a shutdown was handed down. Bytes that are not written yet would
/// be dropped then; and bytes of the client's that nobody reads would make the system reset the connection, which drops those
/// that are on their way. So the answers are written first, and the client is told that no more will come. Whatever it still sends
/// is thrown away until it closes, too, or takes nothing for a second.
final class LingeringClose: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// The time in which a client may take nothing, and not close, once all is written.
  private static let farewell = TimeAmount.seconds(1)

  private let patience: TimeAmount
  /// When the connection is closed whatever the client does; `nil` until the transport is done with it.
  private var end: NIODeadline?
  private var timer: Scheduled<Void>?

  /// - Parameter patience: the time that a client has to take all that was written.
  init(patience: TimeAmount) { self.patience = patience }

  func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if end == nil { context.fireChannelRead(data) }
  }

  /// The channel closes its output when all is written, and says so.
  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if let end, let event = event as? ChannelEvent, event == .outputClosed {
      sayFarewell(context, until: end)
    }
    context.fireUserInboundEventTriggered(event)
  }

  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    guard mode == .all, context.channel.isActive else { return context.close(mode: mode, promise: promise) }
    context.channel.closeFuture.cascade(to: promise)
    guard end == nil else { return }
    let end = NIODeadline.now() + patience
    self.end = end
    timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: end) { context.close(promise: nil) }
    context.close(mode: .output, promise: nil)
  }

  /// All is written. What the client has yet to take lies in the system's buffers.
  private func sayFarewell(_ context: ChannelHandlerContext, until end: NIODeadline) {
    let taken = context.channel.acknowledgedBytes
    timer?.cancel()
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: Self.farewell) {
      let isTaking = context.channel.acknowledgedBytes != taken
      if isTaking, .now() < end { self.sayFarewell(context, until: end) } else { context.close(promise: nil) }
    }
  }

  /// Adds one to a connection, behind whatever closes it without delay.
  static func add(to channel: any Channel, patience: TimeAmount) throws {
    let pipeline = channel.pipeline.syncOperations
    try pipeline.addHandler(
      LingeringClose(patience: patience), position: .before(try pipeline.handler(type: NIOHTTP2Handler.self)))
  }
}
