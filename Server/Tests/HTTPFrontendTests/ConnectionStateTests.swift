import NIOCore
import NIOHTTP1
import Testing

import HTTPFrontend
import InferenceProtocol

/// A connection whose limits are 100 bytes, and 10 (header), 20 (body) and 50 (idle) nanoseconds.
private func connection(account: ByteAccount = ByteAccount(limit: 1000)) -> ConnectionState {
  ConnectionState(
    limits: ConnectionState.Limits(
      maxBodyBytes: 100, headerTimeout: 10, bodyTimeout: 20, idleTimeout: 50,
      minimumBytesPerSecond: 1_000_000_000),
    account: account, now: 0)
}

private func head(_ fields: [(String, String)] = [], version: HTTPVersion = .http1_1) -> HTTPServerRequestPart
{
  .head(HTTPRequestHead(version: version, method: .POST, uri: "/", headers: HTTPHeaders(fields)))
}

private func body(_ count: Int) -> HTTPServerRequestPart { .body(ByteBuffer(repeating: 7, count: count)) }

extension ConnectionState.Action {
  /// The status that a request is refused with.
  fileprivate var refusal: Int? { if case .refuse(let refusal, _) = self { refusal.status } else { nil } }
  fileprivate var answeredBytes: Int? {
    if case .answer(_, let body, _) = self { body.readableBytes } else { nil }
  }
  fileprivate var isClose: Bool { if case .close = self { true } else { false } }
  fileprivate var asksForBody: Bool { if case .askForBody = self { true } else { false } }
}

@Suite(.timeLimit(.minutes(5))) struct ConnectionStateTests {
  @Test func aRequestIsAnsweredWhenItIsWhole() {
    var state = connection()
    #expect(state.received(head([("content-length", "6")]), 1).answeredBytes == nil)
    #expect(state.received(body(2), 2).answeredBytes == nil)
    #expect(state.received(body(4), 3).answeredBytes == nil)
    #expect(state.received(.end(nil), 4).answeredBytes == 6)
    #expect(state.isAnswering && !state.wantsBytes)
    #expect(!state.finishedAnswer(5).isClose)
    #expect(state.received(head(), 6).answeredBytes == nil)
    #expect(state.received(.end(nil), 7).answeredBytes == 0)
  }

  @Test func aBodyTooLargeIsRefusedBeforeItIsRead() {
    var state = connection()
    #expect(state.received(head([("content-length", "101")]), 1).refusal == 413)
    // Bytes that the client sends anyway are skipped.
    #expect(state.received(body(50), 2).refusal == nil)
    #expect(state.endsAfterAnswer)
  }

  @Test func whoIsNotLetInIsRefusedBeforeAnyOfTheBodyIsRead() {
    let account = ByteAccount(limit: 10)
    func connection() -> ConnectionState {
      ConnectionState(
        limits: ConnectionState.Limits(
          maxBodyBytes: 100, headerTimeout: 10, bodyTimeout: 20, idleTimeout: 50,
          minimumBytesPerSecond: 1_000_000_000),
        account: account, now: 0,
        gate: { head, hasBody in
          !hasBody || head.headers["x-api-key"] == ["right"]
            ? nil : ConnectionState.Refusal(status: 401, message: "no")
        })
    }
    for fields in [[("content-length", "20")], [("transfer-encoding", "chunked")]] {
      var state = connection()
      #expect(state.received(head(fields + [("expect", "100-continue")]), 1).refusal == 401)
      #expect(state.endsAfterAnswer)
    }
    var known = connection()
    #expect(known.received(head([("content-length", "5"), ("x-api-key", "right")]), 1).refusal == nil)
    // Without a body there is nothing to keep from being read: the answer is that of the route.
    var empty = connection()
    #expect(empty.received(head([("content-length", "0")]), 1).refusal == nil)
  }

  @Test func answersThatClientsLeaveLyingTakeTheRoomOfBodies() {
    let account = ByteAccount(limit: 100)
    func isTaken() -> Bool {
      var other = connection(account: account)
      defer { other.closed() }
      return other.received(head([("content-length", "20")]), 9).refusal == nil
    }
    var state = connection(account: account)
    _ = state.received(head(), 1)
    _ = state.received(.end(nil), 2)
    state.beganToSend(90, 3)
    #expect(!isTaken())
    state.sent()
    #expect(isTaken())
    state.beganToSend(90, 4)
    #expect(!isTaken())
    _ = state.finishedAnswer(5)
    #expect(isTaken())
    _ = state.received(head(), 6)
    _ = state.received(.end(nil), 7)
    state.beganToSend(90, 8)
    state.closed()
    // Bytes that the answer's task still writes are dropped.
    state.beganToSend(90, 9)
    #expect(isTaken())
  }

  @Test func aBodyKeepsNoMuchLargerBuffer() {
    var state = connection()
    var piece = ByteBufferAllocator().buffer(capacity: 4096)
    piece.writeRepeatingByte(7, count: 6)
    _ = state.received(head([("content-length", "6")]), 1)
    _ = state.received(.body(piece), 2)
    guard case .answer(_, let body, _) = state.received(.end(nil), 3) else {
      Issue.record("the request is whole, and is not answered")
      return
    }
    #expect(body.readableBytes == 6 && body.storageCapacity < 4096)
  }

  @Test func aChunkedBodyIsRefusedWhenItIsTooLarge() {
    var state = connection()
    #expect(state.received(head([("transfer-encoding", "chunked")]), 1).refusal == nil)
    #expect(state.received(body(60), 2).refusal == nil)
    #expect(state.received(body(60), 3).refusal == 413)
  }

  @Test func bodiesOfAllConnectionsAreBoundedByWhatHasCome() {
    let account = ByteAccount(limit: 150)
    // Announced bytes reserve nothing,
    var first = connection(account: account)
    var second = connection(account: account)
    #expect(first.received(head([("content-length", "100")]), 1).refusal == nil)
    #expect(second.received(head([("content-length", "100")]), 1).refusal == nil)
    #expect(account.usedBytes == 0)
    // what comes does.
    #expect(first.received(body(80), 2).refusal == nil)
    #expect(second.received(body(70), 3).refusal == nil)
    #expect(account.usedBytes == 150)
    #expect(second.received(body(1), 4).refusal == 503)
    #expect(account.usedBytes == 80)
    // A body that cannot have room now is not requested.
    var third = connection(account: account)
    #expect(third.received(head([("content-length", "71")]), 5).refusal == 503)
    // A body is counted for as long as its request is.
    #expect(first.received(body(20), 6).refusal == nil)
    var answer: ConnectionState.Action? = first.received(.end(nil), 7)
    #expect(answer?.answeredBytes == 100)
    first.closed()
    #expect(account.usedBytes == 100)
    answer = nil
    #expect(account.usedBytes == 0)
  }

  @Test func aBodyThatNeverFitsIsTooLarge() {
    var state = connection(account: ByteAccount(limit: 50))
    #expect(state.received(head([("content-length", "51")]), 1).refusal == 413)
  }

  @Test func whatComesAheadOfItsTurnIsBounded() {
    let account = ByteAccount(limit: 150)
    var state = connection(account: account)
    _ = state.received(head(), 1)
    _ = state.received(.end(nil), 2)
    var isKept = state.keepsAhead(head())
    #expect(isKept)
    isKept = state.keepsAhead(body(100))
    #expect(isKept)
    #expect(account.usedBytes == 100)
    isKept = state.keepsAhead(body(51))
    #expect(!isKept)
    state.takesUp(body(51))
    state.takesUp(body(100))
    #expect(account.usedBytes == 0)
  }

  @Test func aSlowHeaderIsRefused() {
    var state = connection()
    state.bytesArrived(20, 5)
    #expect(state.deadline == 15)
    state.bytesArrived(20, 14)
    #expect(state.timePassed(14).refusal == nil)
    #expect(state.timePassed(15).refusal == 408)
  }

  @Test func aSlowBodyIsRefused() {
    var state = connection()
    _ = state.received(head([("content-length", "50")]), 5)
    _ = state.received(body(10), 10)
    // One nanosecond more for each byte that came.
    #expect(state.deadline == 35)
    #expect(state.timePassed(35).refusal == 408)
  }

  @Test func anIdleConnectionIsClosedAndAnAnswerMayTakeLong() {
    var state = connection()
    // A header is due from the beginning: a handshake of TLS shows no byte of one.
    #expect(!state.timePassed(9).isClose)
    #expect(state.timePassed(10).isClose)
    state = connection()
    _ = state.received(head(), 1)
    _ = state.received(.end(nil), 1)
    #expect(!state.finishedAnswer(5).isClose)
    #expect(!state.timePassed(54).isClose)
    #expect(state.timePassed(55).isClose)
    state = connection()
    _ = state.received(head(), 1)
    _ = state.received(.end(nil), 1)
    #expect(state.deadline == .max)
    state.beganToSend(10, 100)
    #expect(state.timePassed(130).isClose)
  }

  @Test func anAnswerWithoutABodyIsNotWaitedForForEver() {
    var state = connection()
    _ = state.received(head(), 1)
    _ = state.received(.end(nil), 1)
    state.beganToEnd(100)
    #expect(state.deadline == 120)
    #expect(state.timePassed(120).isClose)
  }

  @Test func allThatAClientLeavesLyingHasItsTime() {
    var state = connection()
    _ = state.received(head(), 1)
    _ = state.received(.end(nil), 1)
    // Of 500 bytes, 10 at least have to be taken in each 20 nanoseconds: half of one a nanosecond.
    state.beganToSend(500, 100, taken: 1000)
    state.beganToEnd(100)
    #expect(state.deadline == 120)
    #expect(!state.timePassed(120, taken: 1010).isClose)
    #expect(state.deadline == 140)
    #expect(!state.timePassed(140, taken: 1020).isClose)
    #expect(state.timePassed(160, taken: 1029).isClose)
  }

  @Test func whileOthersWaitALargeAnswerHasOneWindow() {
    let account = ByteAccount(limit: 1000)
    func reader(of bytes: Int) -> ConnectionState {
      var state = connection(account: account)
      _ = state.received(head(), 1)
      _ = state.received(.end(nil), 1)
      state.beganToSend(bytes, 100, taken: 0)
      return state
    }
    var large = reader(of: 900)
    var small = reader(of: 50)
    var other = connection(account: account)
    #expect(!large.timePassed(120, taken: 20).isClose)
    #expect(!small.timePassed(120, taken: 20).isClose)
    #expect(other.received(head([("content-length", "60")]), 125).refusal == 503)
    #expect(!small.timePassed(140, taken: 40).isClose)
    #expect(large.timePassed(140, taken: 40).isClose)
    #expect(account.usedBytes == 50)
    small.closed()
  }

  @Test func leaveToSendABodyIsGivenOnceItMayBe() {
    var state = connection()
    #expect(state.received(head([("content-length", "50"), ("expect", "100-continue")]), 1).asksForBody)
    state = connection()
    // HTTP/1.0 knows no such answer.
    let old = head([("content-length", "50"), ("expect", "100-continue")], version: .http1_0)
    #expect(!state.received(old, 1).asksForBody)
    state = connection()
    #expect(state.received(head([("content-length", "500"), ("expect", "100-continue")]), 1).refusal == 413)
  }

  @Test func aConnectionEndsWhenItsClientOrTheServerSaysSo() {
    for (fields, version) in [([("connection", "close")], HTTPVersion.http1_1), ([], .http1_0)] {
      var state = connection()
      _ = state.received(head(fields, version: version), 1)
      _ = state.received(.end(nil), 1)
      #expect(state.endsAfterAnswer)
      #expect(state.finishedAnswer(2).isClose)
    }
    var state = connection()
    _ = state.received(head([("connection", "keep-alive")], version: .http1_0), 1)
    _ = state.received(.end(nil), 1)
    #expect(!state.endsAfterAnswer)
    // An answer without a length ends with its connection all the same.
    state.answerEndsWithConnection()
    #expect(state.endsAfterAnswer)
    state = connection()
    _ = state.received(head(), 1)
    _ = state.received(.end(nil), 1)
    #expect(!state.quiesce().isClose)
    #expect(state.finishedAnswer(2).isClose)
    var idle = connection()
    #expect(idle.quiesce().isClose)
  }

  @Test func onlyHTTP1IsAnswered() {
    var state = connection()
    #expect(state.received(head(version: HTTPVersion(major: 2, minor: 0)), 1).refusal == 505)
  }

  @Test func whatIsNoHTTPIsRefusedOnce() {
    var state = connection()
    #expect(state.failedToParse(headerIsTooLarge: true).refusal == 431)
    #expect(state.failedToParse(headerIsTooLarge: false).refusal == nil)
    #expect(!state.failedToParse(headerIsTooLarge: false).isClose)
  }
}
