import InferenceProtocol
import NIOCore
import NIOHTTP2
import Serving

/// Sends the messages of one stream in pieces, counts them until the connection has sent them, and cuts off a client that takes
/// them too slowly: its stream, and its connection where that takes nothing at all.
final class StreamSending {
  /// Small enough to see progress at the slowest rate.
  private static let pieceBytes = 64 << 10

  private let account: ByteAccount
  /// The most bytes that the connection sends at once; more are flushed piece by piece.
  private let writtenBytes: Int
  private var progress: SendProgress
  private var taken: UInt64 = 0
  private var left = 0
  /// The account's refusals when the window of ``progress`` began.
  private var refusalsBefore: UInt64 = 0
  private var timer: Scheduled<Void>?

  init(account: ByteAccount, bytesPerSecond: UInt64, patience: TimeAmount, writtenBytes: Int) {
    self.account = account
    self.writtenBytes = writtenBytes
    progress = SendProgress(
      bytesPerSecond: bytesPerSecond, window: UInt64(clamping: patience.nanoseconds),
      isMeasuredAlways: true)
  }

  func write(
    _ message: ByteBuffer, endStream: Bool, _ context: ChannelHandlerContext,
    _ promise: EventLoopPromise<Void>?
  ) {
    let count = message.readableBytes
    // It is counted as the answer's until now, and has to fit there.
    account.take(count)
    left += count
    if progress.deadline == .max { refusalsBefore = account.refusals }
    progress.sends(count, at: StreamSending.now, taken: taken)
    var rest = message
    let pieceBytes = min(StreamSending.pieceBytes, writtenBytes)
    while rest.readableBytes > pieceBytes, let piece = rest.readSlice(length: pieceBytes) {
      let sent = context.eventLoop.makePromise(of: Void.self)
      sent.futureResult.assumeIsolated().whenComplete { _ in self.took(piece.readableBytes) }
      context.write(StreamSending.frame(piece, endStream: false), promise: sent)
      if pieceBytes == writtenBytes { context.flush() }
    }
    let last = rest.readableBytes
    let sent = promise ?? context.eventLoop.makePromise(of: Void.self)
    sent.futureResult.assumeIsolated().whenComplete { _ in
      // A message's memory is one piece: it is there until the last of it has gone.
      self.account.release(count)
      self.left -= count
      self.took(last)
    }
    context.write(StreamSending.frame(rest, endStream: endStream), promise: sent)
    if timer == nil { schedule(context) }
    // The transport flushes once, when the stream ceases to be writable: before the last piece. It then waits until the
    // stream is writable again.
    if count > pieceBytes { context.flush() }
  }

  private func took(_ bytes: Int) {
    taken &+= UInt64(bytes)
    progress.took(bytes)
    guard progress.deadline == .max else { return }
    // A timer would keep the stream until it fires.
    timer?.cancel()
    timer = nil
  }

  private static var now: UInt64 { NIODeadline.now().uptimeNanoseconds }

  private static func frame(_ bytes: ByteBuffer, endStream: Bool) -> NIOAny {
    NIOAny(HTTP2Frame.FramePayload.data(.init(data: .byteBuffer(bytes), endStream: endStream)))
  }

  private func schedule(_ context: ChannelHandlerContext) {
    guard progress.deadline != .max else { return }
    timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: .uptimeNanoseconds(progress.deadline)) {
      self.timer = nil
      self.check(context)
    }
  }

  private func check(_ context: ChannelHandlerContext) {
    // A request that was refused for lack of room waits for large answers.
    let isWaitedFor = account.refusals != refusalsBefore && left > account.limit / 16
    guard progress.isTooSlow(at: StreamSending.now, taken: taken, hasToBeDone: isWaitedFor) else {
      refusalsBefore = account.refusals
      return schedule(context)
    }
    let connection = context.channel.parent
    context.writeAndFlush(NIOAny(HTTP2Frame.FramePayload.rstStream(.cancel)), promise: nil)
    context.close(promise: nil)
    // Unread bytes that the connection has taken over are freed only with the connection, which is not asked to send them first.
    context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) {
      guard self.left > 0, let pipeline = connection?.pipeline.syncOperations else { return }
      try? pipeline.context(handlerType: ConnectionIdleness.self).close(promise: nil)
    }
  }
}
