import EventLoopTasks
import NIOCore

/// Closes one connection when it has had no call for some time: the client is told, and cut off when it does not act on it.
///
/// In the transport's place, whose own timer for this keeps 0.3 kB of each connection for ever (grpc-swift-nio-transport
/// 2.9.2: the timer of `ServerConnectionManagementHandler` is released for every purpose but this).
final class ConnectionIdleness: ChannelInboundHandler {
  typealias InboundIn = NIOAny

  /// `nil`: for ever.
  private let patience: TimeAmount?
  private let limit: ConnectionLimit
  private var openCalls = 0
  private var isTold = false
  private var timer: Scheduled<Void>?
  private var context: ChannelHandlerContext?

  init(patience: TimeAmount?, limit: ConnectionLimit) {
    self.patience = patience
    self.limit = limit
  }

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
  /// - Returns: true if it is the connection's only one.
  static func count(_ stream: any Channel) -> Bool {
    guard let pipeline = stream.parent?.pipeline.syncOperations,
      let connection = try? pipeline.handler(type: ConnectionIdleness.self)
    else { return false }
    connection.openCalls += 1
    let isOnly = connection.openCalls == 1
    if isOnly, let channel = stream.parent { connection.limit.becameBusy(channel) }
    connection.timer?.cancel()
    connection.timer = nil
    stream.closeFuture.assumeIsolated().whenComplete { _ in
      connection.openCalls -= 1
      guard connection.openCalls == 0 else { return }
      connection.startTimer()
      if let context = connection.context { connection.limit.becameIdle(context.channel) }
    }
    return isOnly
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard event is ConnectionShouldLeave else { return context.fireUserInboundEventTriggered(event) }
    if openCalls == 0 { context.close(promise: nil) }
  }

  private func startTimer() {
    guard let context, let patience else { return }
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
