import InferenceProtocol
import NIOCore
import NIOHTTP2

/// Closes a connection whose client takes too long for a handshake, of TLS or of HTTP/2, or for a header. The time counts from
/// the moment that the connection was accepted.
///
/// Counts the headers that have not come completely, too, and closes a connection for whose headers there is no room.
final class HeaderLimits: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let patience: TimeAmount
  private let maxHeaderBytes: Int
  private let held: HeldBytes
  private var meter = FrameMeter()
  /// Since when something is owed, and how much had come by then.
  private var owed: (since: NIODeadline, completed: UInt64)?
  private var timer: Scheduled<Void>?

  /// - Parameter maxHeaderBytes: lists of header fields up to this size are read.
  init(patience: TimeAmount, maxHeaderBytes: Int, account: ByteAccount) {
    self.patience = patience
    held = HeldBytes(account)
    self.maxHeaderBytes = maxHeaderBytes
  }

  /// Adds one to a connection, behind TLS.
  static func add(
    to channel: any Channel, patience: TimeAmount, maxHeaderBytes: Int, account: ByteAccount
  ) throws {
    let pipeline = channel.pipeline.syncOperations
    try pipeline.addHandler(
      HeaderLimits(patience: patience, maxHeaderBytes: maxHeaderBytes, account: account),
      position: .before(try pipeline.handler(type: NIOHTTP2Handler.self)))
  }

  func handlerAdded(context: ChannelHandlerContext) { watch(context) }

  func handlerRemoved(context: ChannelHandlerContext) {
    timer?.cancel()
    timer = nil
    held.lower(to: 0)
  }

  /// The transport reads 16 KiB of header fields, and ends the connection for more, with all of its calls. With this it reads
  /// more, so that a call with too many can be refused by itself.
  func channelActive(context: ChannelHandlerContext) {
    context.fireChannelActive()
    let settings = [HTTP2Setting(parameter: .maxHeaderListSize, value: maxHeaderBytes)]
    context.channel.writeAndFlush(
      HTTP2Frame(streamID: .rootStream, payload: .settings(.settings(settings))), promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    unwrapInboundIn(data).withUnsafeReadableBytes { meter.take($0) }
    guard (try? held.change(to: meter.countedBytes)) != nil else { return refuse(context) }
    watch(context)
    context.fireChannelRead(data)
  }

  /// There is no stream yet that could be refused by itself.
  private func refuse(_ context: ChannelHandlerContext) {
    let leave = HTTP2Frame(
      streamID: .rootStream,
      payload: .goAway(lastStreamID: .maxID, errorCode: .enhanceYourCalm, opaqueData: nil))
    context.channel.writeAndFlush(leave, promise: nil)
    context.close(promise: nil)
  }

  private func watch(_ context: ChannelHandlerContext) {
    guard meter.isOwed else {
      owed = nil
      return
    }
    if owed?.completed != meter.completed { owed = (.now(), meter.completed) }
    if timer == nil { schedule(context, patience) }
  }

  private func schedule(_ context: ChannelHandlerContext, _ delay: TimeAmount) {
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: delay) { self.check(context) }
  }

  private func check(_ context: ChannelHandlerContext) {
    timer = nil
    guard let owed else { return }
    let left = owed.since + patience - .now()
    if left > .zero { schedule(context, left) } else { context.close(promise: nil) }
  }
}
