import Device
import NIOCore
import NIOHPACK
import NIOHTTP2

/// The bytes of messages that have not come completely, over all connections.
final class ArrivingBytes: Sendable {
  private let limit: Int
  private let used = Locked(0)

  init(limit: Int) { self.limit = limit }

  /// Takes `bytes` more, or gives them back when they are negative.
  /// - Returns: false when they do not fit.
  func add(_ bytes: Int) -> Bool {
    used.withLock { used in
      guard bytes <= limit - used else { return false }
      used += bytes
      return true
    }
  }
}

/// Refuses, on one stream, what is too large and what comes too slowly, with a status that says so; the transport would
/// reset the stream without a word.
final class RequestLimits: ChannelInboundHandler {
  typealias InboundIn = HTTP2Frame.FramePayload
  typealias InboundOut = HTTP2Frame.FramePayload
  typealias OutboundOut = HTTP2Frame.FramePayload

  private var meter: MessageMeter
  private let arriving: ArrivingBytes
  private let patience: TimeAmount
  private var reserved = 0
  private var isRefused = false
  private var hasEnded = false
  /// A stream of requests may be silent between them.
  private var isPatientBetweenMessages = false
  private var lastArrival = NIODeadline.now()
  private var timer: Scheduled<Void>?
  private var deadline: Scheduled<Void>?

  /// - Parameter patience: how long a client may send nothing of a message that it owes.
  init(maxMessageBytes: Int, arriving: ArrivingBytes, patience: TimeAmount) {
    meter = MessageMeter(limit: maxMessageBytes)
    self.arriving = arriving
    self.patience = patience
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isRefused else { return }
    switch unwrapInboundIn(data) {
    case .headers(var headers):
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
      if let length = buffer.withUnsafeReadableBytes({ meter.take($0) }) {
        refuse(
          context, "8",
          "a message of \(length) bytes is larger than the \(meter.limit) that this server takes")
        return
      }
      guard arriving.add(meter.pending - reserved) else {
        refuse(context, "8", "too many bytes of requests are arriving; try again later")
        return
      }
      reserved = meter.pending
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
    _ = arriving.add(-reserved)
    reserved = 0
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
      // What the transport's handler takes for the end of the call.
      context.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }
  }

  private func startTimer(_ context: ChannelHandlerContext) {
    lastArrival = .now()
    schedule(context, patience)
  }

  private func schedule(_ context: ChannelHandlerContext, _ delay: TimeAmount) {
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: delay) { self.check(context) }
  }

  private func check(_ context: ChannelHandlerContext) {
    guard !isRefused, !hasEnded else { return }
    let isOwing = meter.pending > 0 || !isPatientBetweenMessages
    let silence = NIODeadline.now() - lastArrival
    if isOwing, silence >= patience {
      refuse(context, "4", "nothing of the request has come for \(patience.nanoseconds / 1_000_000_000) s")
    } else {
      schedule(context, isOwing ? patience - silence : patience)
    }
  }

  // MARK: Refusal

  /// The calls whose clients send when they have something to send.
  private static let streamingPaths = Set(
    ["/\(InferenceCalls.name)/ModelStreamInfer"] + ReflectionCalls.names.map { "/\($0)/ServerReflectionInfo" }
  )

  /// Ends the stream with a status, whatever of it has come; the rest is thrown away.
  private func refuse(_ context: ChannelHandlerContext, _ status: String, _ message: String) {
    isRefused = true
    release()
    let headers = HPACKHeaders([
      (":status", "200"), ("content-type", "application/grpc"), ("grpc-status", status),
      ("grpc-message", message),
    ])
    context.write(wrapOutboundOut(.headers(.init(headers: headers, endStream: true))), promise: nil)
    // The client may stop sending.
    context.writeAndFlush(wrapOutboundOut(.rstStream(.noError)), promise: nil)
    context.close(promise: nil)
  }
}
