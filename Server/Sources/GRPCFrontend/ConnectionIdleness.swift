import NIOCore

/// Closes one connection when it has had no call for some time: the client is told, and cut off when it does not act on it.
///
/// In the transport's place, whose own timer for this keeps 0.3 kB of each connection for ever (grpc-swift-nio-transport
/// 2.9.2: the timer of `ServerConnectionManagementHandler` is released for every purpose but this).
final class ConnectionIdleness: ChannelInboundHandler {
  typealias InboundIn = NIOAny

  private let patience: TimeAmount
  private var openCalls = 0
  private var isTold = false
  private var timer: Scheduled<Void>?
  private var context: ChannelHandlerContext?

  init(patience: TimeAmount) { self.patience = patience }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    startTimer()
  }

  func handlerRemoved(context: ChannelHandlerContext) { end() }

  func channelInactive(context: ChannelHandlerContext) {
    end()
    context.fireChannelInactive()
  }

  /// Counts a call of the connection until its stream is closed.
  static func count(_ stream: any Channel) throws {
    guard let pipeline = stream.parent?.pipeline.syncOperations,
      let connection = try? pipeline.handler(type: ConnectionIdleness.self)
    else { return }
    connection.openCalls += 1
    connection.timer?.cancel()
    connection.timer = nil
    stream.closeFuture.assumeIsolated().whenComplete { _ in
      connection.openCalls -= 1
      if connection.openCalls == 0 { connection.startTimer() }
    }
  }

  private func startTimer() {
    guard let context else { return }
    timer?.cancel()
    timer = context.eventLoop.assumeIsolated().scheduleTask(
      in: isTold ? min(patience, .seconds(10)) : patience
    ) { self.timePassed() }
  }

  private func timePassed() {
    guard let context else { return }
    if isTold { return context.close(promise: nil) }
    isTold = true
    context.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    if openCalls == 0 { startTimer() }
  }

  private func end() {
    timer?.cancel()
    timer = nil
    context = nil
  }
}
