import EventLoopTasks
import Hummingbird
import InferenceProtocol
import Logging
import NIOCore
import NIOHTTP1

/// Carries out what ``ConnectionState`` decides for one connection: on its event loop, but for the task that answers.
final class ConnectionHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  /// Answers one request; whatever it does, it gives the writer a whole response, or throws.
  typealias Responder =
    @Sendable (HTTPRequestHead, ByteBuffer, HeldBytes, _ arrival: UInt64, ConnectionWriter) async throws ->
    Void

  private var state: ConnectionState
  private let respond: Responder
  private let connections: ConnectionLimit
  /// The most bytes of an answer that are written at once.
  private let writtenBytes: Int
  /// The state that the connections' limit was told last.
  private var isIdle = true
  private var context: ChannelHandlerContext?
  /// The task that answers the latest request, and its number.
  private var task: Task<Void, Never>?
  private var taken = 0
  private var timer: Scheduled<Void>?
  private var timerDeadline: UInt64 = .max
  /// The parts read together with a request that is being answered.
  private var pending = CircularBuffer<HTTPServerRequestPart>()
  /// True if no request of the last read has been processed yet.
  private var isFirst = false
  private var holdsRead = false
  private var version = HTTPVersion.http1_1
  private var isHead = false

  init(
    state: ConnectionState, connections: ConnectionLimit, writtenBytes: Int, respond: @escaping Responder
  ) {
    self.state = state
    self.connections = connections
    self.writtenBytes = writtenBytes
    self.respond = respond
  }

  static var now: UInt64 { NIODeadline.now().uptimeNanoseconds }

  // MARK: In

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    schedule()
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    timer?.cancel()
    timer = nil
  }

  /// Called by the handler before the decoder.
  func bytesArrived(_ bytes: Int) {
    isFirst = true
    state.bytesArrived(bytes, ConnectionHandler.now)
    schedule()
  }

  /// Called by the same handler when the decoder has seen them.
  func bytesDecoded(undecoded: Int) { carryOut(state.bytesDecoded(undecoded: undecoded)) }

  /// True once nothing that arrives is decoded.
  var isEnding: Bool { state.isEnding }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let part = unwrapInboundIn(data)
    guard state.decoded(part) else { return carryOut(state.lacksRoom()) }
    guard pending.isEmpty, !state.isAnswering else {
      guard state.keepsAhead(part) else { return context.close(promise: nil) }
      return pending.append(part)
    }
    carryOut(state.received(part, ConnectionHandler.now))
  }

  private func takePending() {
    while !pending.isEmpty, !state.isAnswering {
      let part = pending.removeFirst()
      state.takesUp(part)
      carryOut(state.received(part, ConnectionHandler.now))
    }
    guard pending.isEmpty, holdsRead, !state.isAnswering else { return }
    holdsRead = false
    context?.read()
  }

  /// Called by the handler that sees reads: while a request is answered, the socket's buffer holds the next ones back.
  func mayRead() -> Bool {
    guard state.isAnswering || !pending.isEmpty else { return true }
    holdsRead = true
    return false
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let error = error as? HTTPParserError else { return context.close(promise: nil) }
    carryOut(state.failedToParse(headerIsTooLarge: error == .headerOverflow))
  }

  func channelInactive(context: ChannelHandlerContext) {
    task?.cancel()
    state.closed()
    context.fireChannelInactive()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is ChannelShouldQuiesceEvent || event is ConnectionShouldLeave {
      carryOut(state.quiesce())
    } else {
      context.fireUserInboundEventTriggered(event)
    }
  }

  // MARK: Decisions

  private func carryOut(_ action: ConnectionState.Action) {
    defer { schedule() }
    switch action {
    case .nothing: return
    case .answer(let head, let body, let held): start(head, body, held)
    case .askForBody(let version):
      write(.head(HTTPResponseHead(version: version, status: .continue)))
      context?.flush()
    case .refuse(let refusal, let version):
      discardDecoder()
      self.version = version
      isHead = false
      var headers = HTTPHeaders([("Content-Type", "application/json")])
      if let seconds = refusal.retryAfter { headers.add(name: "Retry-After", value: "\(seconds)") }
      if refusal.status == 401 { headers.add(name: "WWW-Authenticate", value: "Bearer") }
      let body = ErrorBody.bytes(refusal.message)
      headers.add(name: "Content-Length", value: "\(body.readableBytes)")
      begin(HTTPResponseStatus(statusCode: refusal.status), headers)
      add(body, promise: nil)
      finish()
    case .close: context?.close(promise: nil)
    }
  }

  /// Frees an unfinished head: the answer may be on its way for seconds.
  private func discardDecoder() {
    guard let pipeline = context?.pipeline.syncOperations,
      let decoder = try? pipeline.context(handlerType: ByteToMessageHandler<RequestDecoder>.self)
    else { return }
    pipeline.removeHandler(context: decoder, promise: nil)
  }

  private func start(_ head: HTTPRequestHead, _ body: ByteBuffer, _ held: HeldBytes) {
    guard let context else { return }
    version = head.version
    isHead = head.method == .HEAD
    let writer = ConnectionWriter(
      handler: NIOLoopBound(self, eventLoop: context.eventLoop), eventLoop: context.eventLoop)
    let arrival = state.arrival
    let answer: @Sendable () async -> Void = { [respond] in
      do {
        try await respond(head, body, held, arrival, writer)
      } catch {
        // Nobody is there any more, or a response broke off: that can only be said by closing.
        writer.abort()
      }
    }
    // An answer that waits for nothing is sent before this returns, and the socket stays in the poll
    // meanwhile. Of requests that arrive together this holds for the first only: other connections have their
    // turns before the next.
    let executor = EventLoopExecutor(context.eventLoop)
    let isFirst = isFirst
    self.isFirst = false
    taken += 1
    let number = taken
    let task =
      isFirst
      ? Task.immediate(executorPreference: executor, operation: answer)
      : Task(executorPreference: executor, operation: answer)
    // It may be done already, and the next one under way, or the connection closed.
    if number == taken { self.task = task }
    if !context.channel.isActive { task.cancel() }
  }

  private func schedule() {
    noteIdleness()
    guard let context, state.deadline < timerDeadline else { return }
    timer?.cancel()
    timerDeadline = state.deadline
    let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
    timer = context.eventLoop.scheduleTask(deadline: .uptimeNanoseconds(timerDeadline)) {
      let handler = bound.value
      handler.timerDeadline = .max
      handler.carryOut(handler.state.timePassed(ConnectionHandler.now, taken: handler.acknowledgedBytes))
    }
  }

  private func noteIdleness() {
    guard let context, isIdle != state.isIdle else { return }
    isIdle = state.isIdle
    if isIdle { connections.becameIdle(context.channel) } else { connections.becameBusy(context.channel) }
  }

  // MARK: Out

  private func write(_ part: HTTPServerResponsePart, promise: EventLoopPromise<Void>? = nil) {
    guard let context else {
      promise?.fail(ChannelError.ioOnClosedChannel)
      return
    }
    context.write(wrapOutboundOut(part), promise: promise)
  }

  /// Begins an answer.
  func begin(_ status: HTTPResponseStatus, _ headers: HTTPHeaders) {
    var headers = headers
    if version.isOlderThan11, !isHead, status.mayHaveResponseBody, !headers.contains(name: "Content-Length") {
      state.answerEndsWithConnection()
    }
    if state.endsAfterAnswer {
      headers.replaceOrAdd(name: "Connection", value: "close")
    } else if version.isOlderThan11 {
      // Such a client takes a connection for closed that does not say it stays.
      headers.replaceOrAdd(name: "Connection", value: "keep-alive")
    }
    write(.head(HTTPResponseHead(version: version, status: status, headers: headers)))
  }

  /// Writes a part of an answer, without flushing the last of it.
  func add(_ bytes: ByteBuffer, promise: EventLoopPromise<Void>?) {
    guard !isHead else {
      promise?.succeed()
      return
    }
    state.beganToSend(bytes.readableBytes, ConnectionHandler.now, taken: acknowledgedBytes)
    var rest = bytes
    while rest.readableBytes > writtenBytes, let piece = rest.readSlice(length: writtenBytes) {
      write(.body(.byteBuffer(piece)))
      context?.flush()
    }
    write(.body(.byteBuffer(rest)), promise: promise)
  }

  /// Sends what was written so far, of an answer that goes on.
  func flush(_ done: EventLoopPromise<Void>) {
    done.futureResult.assumeIsolated().whenComplete { _ in self.state.sent() }
    schedule()
    context?.flush()
  }

  /// Ends an answer and sends it.
  func finish() {
    guard let context else { return }
    let promise = context.eventLoop.makePromise(of: Void.self)
    promise.futureResult.assumeIsolated().whenSuccess {
      self.carryOut(self.state.finishedAnswer(ConnectionHandler.now))
      self.takePending()
    }
    write(.end(nil), promise: promise)
    state.beganToEnd(ConnectionHandler.now)
    schedule()
    context.flush()
  }

  func abort() { context?.close(promise: nil) }

  private var acknowledgedBytes: UInt64 { context.flatMap { $0.channel.acknowledgedBytes } ?? 0 }
}
