import InferenceProtocol
import NIOCore
import NIOHPACK
import NIOHTTP2
import Serving

/// Refuses, on one stream, what is too large, what comes too slowly and what comes for another host or from another page, with
/// a status that says so; the transport would reset the stream without a word. Cuts off clients that leave answers lying.
///
/// Counts what the stream holds, too: the call itself and its metadata, messages from their first byte on, and answers until the
/// connection has sent them.
package final class RequestLimits: ChannelDuplexHandler {
  package typealias InboundIn = HTTP2Frame.FramePayload
  package typealias InboundOut = HTTP2Frame.FramePayload
  package typealias OutboundIn = HTTP2Frame.FramePayload
  package typealias OutboundOut = HTTP2Frame.FramePayload

  /// The bounds of one stream.
  package struct Bounds: Sendable {
    var origins: OriginRules
    var maxHeaderBytes: Int
    var maxMessageBytes: Int
    /// The time for which a client may send nothing of a message that it owes, and read nothing of an answer; also the time
    /// for a whole message, unless it comes at the slowest rate.
    var patience: TimeAmount
    /// The time for which a stream of requests may be without traffic; `nil`: for ever.
    var idlePatience: TimeAmount?
    /// The slowest that a message may come, and an answer be taken.
    var minimumBytesPerSecond: UInt64
    /// The most bytes of an answer that the connection is to send at once.
    var writtenBytes: Int

    package init(
      origins: OriginRules, maxHeaderBytes: Int, maxMessageBytes: Int, patience: TimeAmount,
      idlePatience: TimeAmount?, minimumBytesPerSecond: UInt64, writtenBytes: Int = .max
    ) {
      self.origins = origins
      self.maxHeaderBytes = maxHeaderBytes
      self.maxMessageBytes = maxMessageBytes
      self.patience = patience
      self.idlePatience = idlePatience
      self.minimumBytesPerSecond = minimumBytesPerSecond
      self.writtenBytes = writtenBytes
    }
  }

  /// The memory of an open call beside its metadata and messages.
  package static let callBytes = 32 << 10

  private let bounds: Bounds
  private var meter: MessageMeter
  private var unpacker: MessageUnpacker?
  private var sending: StreamSending
  private var answers = MessageMeter(limit: .max)
  /// True while the pieces of a message are written. The first ones may end the stream's writability: the transport is told at
  /// once, and writes the next frames meanwhile.
  private var isWriting = false
  /// Writes whose turn has not come.
  private var following: [(data: NIOAny, promise: EventLoopPromise<Void>?)] = []
  private var unanswered = UnansweredMessages()
  private let held: HeldBytes
  private let isOneTooMany: Bool
  private let isOnly: Bool
  /// The memory of the call and its metadata.
  private var ownBytes = 0
  private var hasBegun = false
  private var isRefused = false
  private var hasEnded = false
  private var hasAnswered = false
  private var wantsRead = false
  /// A stream of requests may be silent between them.
  private var isPatientBetweenMessages = false
  private var pace: RequestPace
  private var lastAnswer: UInt64 = 0
  private var timer: Scheduled<Void>?
  private var deadline: Scheduled<Void>?

  private var patience: TimeAmount { bounds.patience }
  private var idlePatience: TimeAmount? { bounds.idlePatience }

  /// - Parameters:
  ///   - isOneTooMany: there are as many calls already as there may be.
  ///   - isOnly: it is the connection's only call, and part of the connection's share.
  package init(isOneTooMany: Bool, isOnly: Bool, bounds: Bounds, account: ByteAccount) {
    self.isOneTooMany = isOneTooMany
    self.isOnly = isOnly
    self.bounds = bounds
    meter = MessageMeter(limit: min(bounds.maxMessageBytes, account.limit))
    held = HeldBytes(account)
    pace = RequestPace(
      patience: UInt64(clamping: bounds.patience.nanoseconds), bytesPerSecond: bounds.minimumBytesPerSecond)
    sending = StreamSending(
      account: account, bytesPerSecond: bounds.minimumBytesPerSecond, patience: bounds.patience,
      writtenBytes: bounds.writtenBytes)
  }

  package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isRefused else { return }
    switch unwrapInboundIn(data) {
    // A call begins once. The transport resets the stream for a second header.
    case .headers where hasBegun: break
    case .headers(var headers):
      hasBegun = true
      guard !isOneTooMany else {
        return refuse(
          context, "8", "too many calls are open; retry later", isTemporary: true)
      }
      guard headers.headers.listSize <= bounds.maxHeaderBytes else {
        return refuse(
          context, "8",
          "the call's metadata are larger than the \(bounds.maxHeaderBytes) bytes that this server takes")
      }
      do { try count(headers.headers) } catch {
        return refuse(context, "8", error.description, isTemporary: !error.isHopeless)
      }
      do throws(ServiceError) {
        let admission = try bounds.origins.admit(RequestOrigin(headers.headers))
        if !admission.isLocal { headers.headers.add(name: RequestLimits.remoteField, value: "1") }
      } catch {
        return refuse(context, error.kind == .invalidRequest ? "3" : "7", error.description)
      }
      do throws(ServiceError) {
        try takeOverDeadline(of: &headers.headers, context)
      } catch {
        return refuse(context, "3", error.description)
      }
      takeOverCompression(of: &headers.headers)
      isPatientBetweenMessages = RequestLimits.streamingPaths.contains(
        headers.headers.first(name: ":path") ?? "")
      hasEnded = headers.endStream
      startTimer(context)
      return context.fireChannelRead(wrapInboundOut(.headers(headers)))
    case .data(var frame):
      hasEnded = hasEnded || frame.endStream
      guard case .byteBuffer(var buffer) = frame.data else { break }
      let count = buffer.readableBytes
      if unpacker != nil {
        do { buffer = try unpacker?.take(buffer, holding: held) ?? buffer } catch {
          return refuse(context, unpacking: error)
        }
        frame.data = .byteBuffer(buffer)
      }
      var hasCompleted = false
      let tooLong = buffer.withUnsafeReadableBytes { bytes in
        meter.take(bytes) {
          unanswered.add($0)
          hasCompleted = true
        }
      }
      if let length = tooLong {
        refuse(
          context, "8",
          "a message of \(length) bytes exceeds this server's limit of \(meter.limit) bytes")
        return
      }
      do { try held.change(to: heldBytes) } catch {
        return refuse(context, "8", error.description, isTemporary: true)
      }
      // On a stream each message has its own time; any other request is one message.
      let isNew = isPatientBetweenMessages && hasCompleted
      pace.arrived(
        isNew ? pending : count, at: now(context), isNew: isNew,
        isOwed: !isPatientBetweenMessages || pending > 0)
      return context.fireChannelRead(wrapInboundOut(.data(frame)))
    default: break
    }
    context.fireChannelRead(data)
  }

  /// Counts the call with its metadata, in two forms: the transport's, and the one that calls are handled with.
  private func count(_ metadata: HPACKHeaders) throws(AccountFull) {
    let bytes = 2 * metadata.listSize + (isOnly ? 0 : RequestLimits.callBytes)
    let bytesBeside = isOnly ? max(0, bytes - FrameMeter.freeBytes) : bytes
    try held.change(to: bytesBeside)
    ownBytes = bytesBeside
    // No message can have the room of its own call.
    meter = MessageMeter(limit: messageLimit)
  }

  private var messageLimit: Int { max(0, min(bounds.maxMessageBytes, held.account.limit - ownBytes)) }

  /// The bytes of a message that has not come completely, compressed or not.
  private var pending: Int { meter.pending + (unpacker?.pending ?? 0) }

  /// The bytes of the call and of unanswered messages, complete or not.
  private var heldBytes: Int { ownBytes + unanswered.byteCount + pending }

  private func refuse(_ context: ChannelHandlerContext, unpacking error: any Error) {
    switch error {
    case let error as AccountFull:
      refuse(context, "8", error.description, isTemporary: !error.isHopeless)
    case let error as ServiceError where error.kind == .tooLarge: refuse(context, "8", error.description)
    default: refuse(context, "3", "a message is not compressed as 'grpc-encoding' says")
    }
  }

  package func channelInactive(context: ChannelHandlerContext) {
    release()
    context.fireChannelInactive()
  }

  package func handlerRemoved(context: ChannelHandlerContext) { release() }

  private func release() {
    unpacker = nil
    timer?.cancel()
    timer = nil
    deadline?.cancel()
    deadline = nil
    ownBytes = 0
    held.lower(to: 0)
  }

  // MARK: Answers

  package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    following.append((data, promise))
    guard !isWriting else { return }
    isWriting = true
    var isFirst = true
    while !following.isEmpty {
      let next = following.removeFirst()
      send(next.data, next.promise, context)
      // The transport has flushed already what it wrote meanwhile.
      if !isFirst { context.flush() }
      isFirst = false
    }
    isWriting = false
  }

  private func send(_ data: NIOAny, _ promise: EventLoopPromise<Void>?, _ context: ChannelHandlerContext) {
    guard case .data(let frame) = unwrapOutboundIn(data), case .byteBuffer(let buffer) = frame.data else {
      hasAnswered = true
      return context.write(data, promise: promise)
    }
    if isPatientBetweenMessages {
      lastAnswer = now(context)
      _ = buffer.withUnsafeReadableBytes { bytes in answers.take(bytes) { _ in unanswered.removeSmallest() } }
      held.lower(to: heldBytes)
      if wantsRead, !holdsReads {
        wantsRead = false
        pace.resumes(at: now(context))
        context.read()
      }
    }
    sending.write(buffer, endStream: frame.endStream, context, promise)
  }

  // MARK: Reading

  /// True while reading pauses because the client sends more than is answered. It pauses before the account
  /// is full, when the stream would be refused. Until then the bytes stay in the window.
  private var holdsReads: Bool {
    isPatientBetweenMessages && unanswered.byteCount > held.account.limit / 16
  }

  package func read(context: ChannelHandlerContext) {
    if holdsReads { wantsRead = true } else { context.read() }
  }

  // MARK: Time

  /// Is added to calls that do not come from this machine, though their connection may.
  static let remoteField = "fusedinf-remote"
  /// Under which a call's `grpc-timeout` is handed on.
  static let timeoutField = "fusedinf-timeout"

  /// Ends the call when its time is over. gRPC's own way would be a task that sleeps until then, however soon the call
  /// ends: 1.6 kB of each call for the whole of its time, which may be hours.
  private func takeOverDeadline(
    of headers: inout HPACKHeaders, _ context: ChannelHandlerContext
  ) throws(ServiceError) {
    guard let timeout = try headers.takeOverTimeout(as: RequestLimits.timeoutField) else { return }
    deadline = context.eventLoop.assumeIsolated().scheduleTask(
      in: .nanoseconds(Int64(clamping: min(timeout, 1 << 62)))
    ) {
      // The transport's handler treats this event as the end of the call.
      context.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }
  }

  /// Messages are decompressed here, and handed on as they are.
  private func takeOverCompression(of headers: inout HPACKHeaders) {
    let names = headers[canonicalForm: "grpc-encoding"]
    guard names.count == 1, let coding = ContentCoding(rawValue: names[0]) else { return }
    headers.remove(name: "grpc-encoding")
    unpacker = MessageUnpacker(coding, limit: messageLimit)
  }

  private func now(_ context: ChannelHandlerContext) -> UInt64 { context.eventLoop.now.uptimeNanoseconds }

  private func startTimer(_ context: ChannelHandlerContext) {
    pace.begins(at: now(context), isOwed: !isPatientBetweenMessages)
    schedule(context, isPatientBetweenMessages ? min(patience, idlePatience ?? patience) : patience)
  }

  private func schedule(_ context: ChannelHandlerContext, _ delay: TimeAmount) {
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: delay) { self.check(context) }
  }

  private func check(_ context: ChannelHandlerContext) {
    guard !isRefused, !hasEnded else { return }
    // A client that is not read from is not too slow.
    guard !wantsRead, pace.deadline != .max else { return checkIdleness(context) }
    let now = self.now(context)
    guard now >= pace.deadline else {
      return schedule(context, .nanoseconds(Int64(clamping: pace.deadline - now)))
    }
    refuse(
      context, "4",
      pace.isSilent(at: now)
        ? "no data of the request arrived for \(patience.nanoseconds / 1_000_000_000) s"
        : "the request arrived too slowly")
  }

  /// Ends a stream that nobody uses: while it is open, its connection would count as used.
  private func checkIdleness(_ context: ChannelHandlerContext) {
    guard let idlePatience else { return schedule(context, patience) }
    let last = NIODeadline.uptimeNanoseconds(max(pace.lastArrival, lastAnswer))
    let left = last + idlePatience - context.eventLoop.now
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
