import InferenceProtocol
import NIOCore
import NIOHPACK
import NIOHTTP2

/// Refuses, on one stream, what is too large and what comes too slowly, with a status that says so; the transport would
/// reset the stream without a word.
///
/// Counts what the stream holds, too: of messages from their first byte on, and of answers until the connection has sent them.
final class RequestLimits: ChannelDuplexHandler {
  typealias InboundIn = HTTP2Frame.FramePayload
  typealias InboundOut = HTTP2Frame.FramePayload
  typealias OutboundIn = HTTP2Frame.FramePayload
  typealias OutboundOut = HTTP2Frame.FramePayload

  private var meter: MessageMeter
  private var answers = MessageMeter(limit: .max)
  private var unanswered = UnansweredMessages()
  private let held: HeldBytes
  private let patience: TimeAmount
  private let idlePatience: TimeAmount?
  private let isOneTooMany: Bool
  private var isRefused = false
  private var hasEnded = false
  private var hasAnswered = false
  private var wantsRead = false
  /// A stream of requests may be silent between them.
  private var isPatientBetweenMessages = false
  private var lastArrival = NIODeadline.now()
  private var lastAnswer = NIODeadline.now()
  private var timer: Scheduled<Void>?
  private var deadline: Scheduled<Void>?

  /// - Parameters:
  ///   - isOneTooMany: there are as many calls already as there may be.
  ///   - patience: how long a client may send nothing of a message that it owes.
  ///   - idlePatience: how long nothing may come or go on a stream of requests; `nil`: for ever.
  init(
    isOneTooMany: Bool, maxMessageBytes: Int, account: ByteAccount, patience: TimeAmount,
    idlePatience: TimeAmount?
  ) {
    self.isOneTooMany = isOneTooMany
    self.idlePatience = idlePatience
    meter = MessageMeter(limit: min(maxMessageBytes, account.limit))
    held = HeldBytes(account)
    self.patience = patience
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isRefused else { return }
    switch unwrapInboundIn(data) {
    case .headers(var headers):
      guard !isOneTooMany else {
        return refuse(
          context, "8", "too many calls are open; retry later", isTemporary: true)
      }
      takeOverDeadline(of: &headers.headers, context)
      isPatientBetweenMessages = RequestLimits.streamingPaths.contains(
        headers.headers.first(name: ":path") ?? "")
      hasEnded = headers.endStream
      startTimer(context)
      return context.fireChannelRead(wrapInboundOut(.headers(headers)))
    case .data(let frame):
      lastArrival = .now()
      hasEnded = hasEnded || frame.endStream
      guard case .byteBuffer(let buffer) = frame.data else { break }
      let tooLong = buffer.withUnsafeReadableBytes { bytes in meter.take(bytes) { unanswered.add($0) } }
      if let length = tooLong {
        refuse(
          context, "8",
          "a message of \(length) bytes exceeds this server's limit of \(meter.limit) bytes")
        return
      }
      do { try held.change(to: unanswered.byteCount + meter.pending) } catch {
        return refuse(context, "8", error.description, isTemporary: true)
      }
    default: break
    }
    context.fireChannelRead(data)
  }

  func channelInactive(context: ChannelHandlerContext) {
    release()
    context.fireChannelInactive()
  }

  func handlerRemoved(context: ChannelHandlerContext) { release() }

  private func release() {
    timer?.cancel()
    timer = nil
    deadline?.cancel()
    deadline = nil
    held.lower(to: 0)
  }

  // MARK: Answers

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard case .data(let frame) = unwrapOutboundIn(data), case .byteBuffer(let buffer) = frame.data else {
      hasAnswered = true
      return context.write(data, promise: promise)
    }
    let count = buffer.readableBytes
    let sent = promise ?? context.eventLoop.makePromise(of: Void.self)
    // It is counted as the answer's until now, and has to fit there.
    held.account.take(count)
    sent.futureResult.whenComplete { [account = held.account] _ in account.release(count) }
    if isPatientBetweenMessages {
      lastAnswer = .now()
      _ = buffer.withUnsafeReadableBytes { bytes in answers.take(bytes) { _ in unanswered.removeSmallest() } }
      held.lower(to: unanswered.byteCount + meter.pending)
      if wantsRead, !holdsReads {
        wantsRead = false
        context.read()
      }
    }
    context.write(data, promise: sent)
  }

  // MARK: Reading

  /// True while reading pauses because the client sends more than is answered. It pauses before the account
  /// is full, when the stream would be refused. Until then the bytes stay in the window.
  private var holdsReads: Bool {
    isPatientBetweenMessages && unanswered.byteCount > held.account.limit / 16
  }

  func read(context: ChannelHandlerContext) {
    if holdsReads { wantsRead = true } else { context.read() }
  }

  // MARK: Time

  /// Under which a call's `grpc-timeout` is handed on.
  static let timeoutField = "fusedinf-timeout"

  /// Ends the call when its time is over. gRPC's own way would be a task that sleeps until then, however soon the call
  /// ends: 1.6 kB of each call for the whole of its time, which may be hours.
  private func takeOverDeadline(of headers: inout HPACKHeaders, _ context: ChannelHandlerContext) {
    guard let text = headers.first(name: "grpc-timeout"), let timeout = Call.nanoseconds(timeout: text)
    else { return }
    headers.remove(name: "grpc-timeout")
    headers.add(name: RequestLimits.timeoutField, value: text)
    deadline = context.eventLoop.assumeIsolated().scheduleTask(
      in: .nanoseconds(Int64(clamping: min(timeout, 1 << 62)))
    ) {
      // The transport's handler treats this event as the end of the call.
      context.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }
  }

  private func startTimer(_ context: ChannelHandlerContext) {
    lastArrival = .now()
    schedule(context, isPatientBetweenMessages ? min(patience, idlePatience ?? patience) : patience)
  }

  private func schedule(_ context: ChannelHandlerContext, _ delay: TimeAmount) {
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: delay) { self.check(context) }
  }

  private func check(_ context: ChannelHandlerContext) {
    guard !isRefused, !hasEnded else { return }
    let isOwing = !wantsRead && (meter.pending > 0 || !isPatientBetweenMessages)
    let silence = NIODeadline.now() - lastArrival
    guard isOwing else { return checkIdleness(context) }
    guard silence >= patience else { return schedule(context, patience - silence) }
    refuse(context, "4", "no data of the request arrived for \(patience.nanoseconds / 1_000_000_000) s")
  }

  /// Ends a stream that nobody uses: while it is open, its connection would count as used.
  private func checkIdleness(_ context: ChannelHandlerContext) {
    guard let idlePatience else { return schedule(context, patience) }
    let left = max(lastArrival, lastAnswer) + idlePatience - .now()
    guard left <= .zero, unanswered.byteCount == 0 else {
      return schedule(context, left > .zero ? min(left, patience) : patience)
    }
    refuse(
      context, "14", "no message on this stream for \(idlePatience.nanoseconds / 1_000_000_000) s")
  }

  // MARK: Refusal

  /// The calls whose clients send when they have something to send.
  private static let streamingPaths = Set(
    ["/\(InferenceCalls.name)/ModelStreamInfer"] + ReflectionCalls.names.map { "/\($0)/ServerReflectionInfo" }
  )

  /// Ends the stream with a status, whatever of it has come; the rest is thrown away.
  /// - Parameter isTemporary: asking again in a second may work.
  private func refuse(
    _ context: ChannelHandlerContext, _ status: String, _ message: String, isTemporary: Bool = false
  ) {
    isRefused = true
    release()
    // After an answer's header come trailers alone.
    var headers = HPACKHeaders(
      hasAnswered ? [] : [(":status", "200"), ("content-type", "application/grpc")])
    headers.add(contentsOf: [("grpc-status", status), ("grpc-message", message)])
    if isTemporary { headers.add(contentsOf: [("retry-after", "1"), ("grpc-retry-pushback-ms", "1000")]) }
    let told = context.eventLoop.makePromise(of: Void.self)
    // The client may stop sending. Not before: a reset would overtake what it has not read of the answers, and the status.
    told.futureResult.assumeIsolated().whenComplete { _ in
      context.writeAndFlush(self.wrapOutboundOut(.rstStream(.noError)), promise: nil)
      context.close(promise: nil)
    }
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: patience) { context.close(promise: nil) }
    context.writeAndFlush(
      wrapOutboundOut(.headers(.init(headers: headers, endStream: true))), promise: told)
  }
}
