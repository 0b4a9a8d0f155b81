import GRPCFrontend
import InferenceProtocol
import NIOCore
import NIOEmbedded
import NIOHPACK
import NIOHTTP2
import Serving
import Testing

/// One call, on a clock that the test moves. The server waits for 30 s, and for longer at 16 KiB/s; a stream may be idle for an
/// hour.
private struct TimedCall {
  private let channel: EmbeddedChannel
  let account: ByteAccount
  /// `grpc-status`, once the call was refused.
  private(set) var status: String?
  /// True if the refusal says when to try again.
  private(set) var mayRetry = false

  init(
    _ method: String, encoding: String? = nil, account: ByteAccount = ByteAccount(limit: 64 << 20),
    isOnly: Bool = true, metadata: [(String, String)] = []
  ) throws {
    self.account = account
    let bounds = RequestLimits.Bounds(
      origins: OriginRules(), maxHeaderBytes: 1 << 16, maxMessageBytes: 8 << 20, patience: .seconds(30),
      idlePatience: .hours(1), minimumBytesPerSecond: 16 << 10)
    channel = EmbeddedChannel(
      handler: RequestLimits(isOneTooMany: false, isOnly: isOnly, bounds: bounds, account: account))
    var headers: HPACKHeaders = [
      ":method": "POST", ":scheme": "http", ":authority": "localhost",
      ":path": "/inference.GRPCInferenceService/\(method)", "content-type": "application/grpc",
    ]
    if let encoding { headers.add(name: "grpc-encoding", value: encoding) }
    headers.add(contentsOf: metadata)
    try channel.writeInbound(HTTP2Frame.FramePayload.headers(.init(headers: headers)))
    try look()
  }

  /// The client goes away.
  func leave() { _ = try? channel.finish(acceptAlreadyClosed: true) }

  mutating func send(_ bytes: [UInt8], isLast: Bool = false) throws {
    let data = HTTP2Frame.FramePayload.Data(data: .byteBuffer(ByteBuffer(bytes: bytes)), endStream: isLast)
    try channel.writeInbound(HTTP2Frame.FramePayload.data(data))
    try look()
  }

  mutating func wait(_ seconds: Int) throws {
    channel.embeddedEventLoop.advanceTime(by: .seconds(Int64(seconds)))
    try look()
  }

  private mutating func look() throws {
    while let frame = try channel.readOutbound(as: HTTP2Frame.FramePayload.self) {
      if case .headers(let headers) = frame, let status = headers.headers.first(name: "grpc-status") {
        self.status = status
        mayRetry = headers.headers.contains(name: "grpc-retry-pushback-ms")
      }
    }
  }
}

/// The time that a client has for its requests, told as timelines.
@Suite(.timeLimit(.minutes(5))) struct RequestLimitsTests {
  /// A message's prefix: its flags and its length.
  private func prefix(_ length: Int, isCompressed: Bool) -> [UInt8] {
    [
      isCompressed ? 1 : 0, UInt8(length >> 24), UInt8(length >> 16 & 255), UInt8(length >> 8 & 255),
      UInt8(length & 255),
    ]
  }

  private static let deadlineExceeded = "4"

  /// begins a message - says no more - refused after 30 s, with what it holds given back
  @Test(arguments: ["ModelStreamInfer", "ModelInfer"], [nil, "gzip", "deflate"])
  func whatHasBegunIsNotWaitedForInSilence(method: String, encoding: String?) throws {
    for part in [0, 5000] {
      var call = try TimedCall(method, encoding: encoding)
      try call.send(prefix(10_000, isCompressed: encoding != nil) + Array(repeating: 1, count: part))
      try call.wait(29)
      #expect(call.status == nil && call.account.usedBytes == 5 + part)
      try call.wait(1)
      #expect(call.status == Self.deadlineExceeded && call.account.usedBytes == 0)
    }
  }

  /// begins a message - sends a byte each 10 s - refused after 30 s
  @Test(arguments: ["ModelStreamInfer", "ModelInfer"], [nil, "gzip"])
  func aTrickleIsRefused(method: String, encoding: String?) throws {
    var call = try TimedCall(method, encoding: encoding)
    try call.send(prefix(10_000, isCompressed: encoding != nil))
    for _ in 0..<3 {
      #expect(call.status == nil)
      try call.wait(10)
      if call.status == nil { try call.send([1]) }
    }
    try call.wait(1)
    #expect(call.status == Self.deadlineExceeded)
  }

  /// begins a message - sends 16 KiB each second for two minutes - goes on
  @Test(arguments: ["ModelStreamInfer", "ModelInfer"], [nil, "gzip"])
  func theMinimumRateIsEnough(method: String, encoding: String?) throws {
    var call = try TimedCall(method, encoding: encoding)
    try call.send(prefix(121 << 14, isCompressed: encoding != nil))
    for _ in 0..<120 {
      try call.wait(1)
      try call.send(Array(repeating: 1, count: 16 << 10))
      #expect(call.status == nil)
    }
  }

  /// a stream: a message each 20 s, half of it with the one before
  @Test func aStreamMaySendSmallMessagesForLong() throws {
    var call = try TimedCall("ModelStreamInfer")
    try call.send(prefix(10, isCompressed: false) + [1, 2, 3])
    for _ in 0..<30 {
      try call.wait(20)
      try call.send([4, 5, 6, 7, 8, 9, 10] + prefix(10, isCompressed: false) + [1, 2, 3])
      #expect(call.status == nil)
    }
    try call.wait(30)
    #expect(call.status == Self.deadlineExceeded)
  }

  /// a stream: a whole message - silence - ended as unused only after an hour, once it is answered
  @Test(arguments: [nil, "gzip"]) func aStreamMayBeSilentBetweenMessages(encoding: String?) throws {
    var call = try TimedCall("ModelStreamInfer", encoding: encoding)
    try call.send(prefix(3, isCompressed: false) + [1, 2, 3])
    try call.wait(7200)
    #expect(call.status == nil, "its message is not answered yet")
    var idle = try TimedCall("ModelStreamInfer", encoding: encoding)
    try idle.wait(3599)
    #expect(idle.status == nil)
    try idle.wait(1)
    #expect(idle.status == "14")
  }

  /// a whole request - its answer takes long
  @Test func aRequestThatIsCompleteIsNotRefused() throws {
    var call = try TimedCall("ModelInfer")
    try call.send(prefix(3, isCompressed: false) + [1, 2, 3], isLast: true)
    try call.wait(7200)
    #expect(call.status == nil)
  }

  private static let resourceExhausted = "8"

  @Test func aCallIsCountedUntilItsStreamIsClosed() throws {
    let account = ByteAccount(limit: 1 << 20)
    let call = try TimedCall("ModelStreamInfer", account: account, isOnly: false)
    #expect(account.usedBytes > RequestLimits.callBytes && account.usedBytes < RequestLimits.callBytes + 2048)
    call.leave()
    #expect(account.usedBytes == 0)
    call.leave()
    #expect(account.usedBytes == 0)
  }

  @Test func theOnlyCallOfAConnectionIsPartOfItsShare() throws {
    let account = ByteAccount(limit: 0)
    let call = try TimedCall("ModelInfer", account: account)
    #expect(call.status == nil && account.usedBytes == 0)
  }

  @Test func metadataAreCountedWithTheirCall() throws {
    let account = ByteAccount(limit: 1 << 20)
    let text = String(repeating: "a", count: 50_000)
    var call = try TimedCall("ModelInfer", account: account, metadata: [("x-large", text)])
    let metadataBytes = account.usedBytes
    #expect(metadataBytes > 90_000 && metadataBytes < 102_000)
    try call.send(prefix(10, isCompressed: false) + [1, 2, 3])
    #expect(account.usedBytes == metadataBytes + 8)
    try call.wait(30)
    #expect(call.status == Self.deadlineExceeded && account.usedBytes == 0)
    call.leave()
    #expect(account.usedBytes == 0)
  }

  @Test func aCallWithoutRoomIsRefusedAndKeepsNothing() throws {
    let account = ByteAccount(limit: 60 << 10)
    let first = try TimedCall("ModelInfer", account: account, isOnly: false)
    let held = account.usedBytes
    let second = try TimedCall("ModelInfer", account: account, isOnly: false)
    #expect(second.status == Self.resourceExhausted && second.mayRetry && account.usedBytes == held)
    first.leave()
    second.leave()
    #expect(account.usedBytes == 0)
    let third = try TimedCall("ModelInfer", account: account, isOnly: false)
    #expect(third.status == nil)
    third.leave()
  }

  @Test func aMessageThatNeverFitsBesideItsCallIsNotRetried() throws {
    let account = ByteAccount(limit: 60 << 10)
    var call = try TimedCall("ModelInfer", account: account, isOnly: false)
    try call.send(prefix(40 << 10, isCompressed: false))
    #expect(call.status == Self.resourceExhausted && !call.mayRetry && account.usedBytes == 0)
  }
}
