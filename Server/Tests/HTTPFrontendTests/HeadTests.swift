import HTTPFrontend
import InferenceProtocol
import NIOCore
import NIOHTTP1
import Testing

extension ConnectionState {
  /// Bytes arrive, of which the decoder makes some parts and keeps the others.
  /// - Returns: the statuses that the parts and the rest are refused with.
  fileprivate mutating func read(_ bytes: Int, _ parts: [HTTPServerRequestPart] = [], undecoded: Int) -> [Int]
  {
    bytesArrived(bytes, 1)
    var actions: [Action] = []
    for part in parts {
      actions.append(decoded(part) ? received(part, 1) : lacksRoom())
    }
    actions.append(bytesDecoded(undecoded: undecoded))
    return actions.compactMap { if case .refuse(let refusal, _) = $0 { refusal.status } else { nil } }
  }
}

/// Heads in the account of requests: what is counted, refused and given back.
@Suite(.timeLimit(.minutes(5))) struct HeadTests {
  private let account = ByteAccount(limit: 200_000)

  private func connection() -> ConnectionState {
    ConnectionState(
      limits: ConnectionState.Limits(
        maxBodyBytes: 1 << 20, headerTimeout: 10, bodyTimeout: 20, idleTimeout: 50,
        minimumBytesPerSecond: 1_000_000_000),
      account: account, now: 0)
  }

  /// A head with a field of so many bytes.
  private func head(_ bytes: Int, _ fields: [(String, String)] = []) -> HTTPServerRequestPart {
    let field = ("x", String(repeating: "a", count: bytes))
    return .head(
      HTTPRequestHead(version: .http1_1, method: .POST, uri: "/", headers: HTTPHeaders([field] + fields)))
  }

  @Test func smallHeadsAreFree() {
    var state = connection()
    #expect(state.read(3000, undecoded: 3000).isEmpty && account.usedBytes == 0)
    #expect(state.read(100, [head(3000), .end(nil)], undecoded: 0).isEmpty && account.usedBytes == 0)
  }

  @Test func anUnfinishedHeadCountsAsItArrives() {
    var state = connection()
    #expect(state.read(10_000, undecoded: 900).isEmpty)
    #expect(account.usedBytes == 20_000 - HeadBytes.freeBytes)
    #expect(state.read(10_000, undecoded: 900).isEmpty)
    #expect(account.usedBytes == 40_000 - HeadBytes.freeBytes)
    state.closed()
    #expect(account.usedBytes == 0)
    state.closed()
    #expect(account.usedBytes == 0)
  }

  @Test func aHeadCountsUntilItsRequestEnds() {
    var state = connection()
    _ = state.read(20_000, undecoded: 20_000)
    // The rest of the head comes with the body, which has its own count.
    #expect(state.read(1010, [head(21_000, [("content-length", "10")])], undecoded: 0).isEmpty)
    let held = account.usedBytes
    #expect(held > 33_000 && held < 36_000)
    #expect(state.read(10, [.body(ByteBuffer(repeating: 7, count: 10)), .end(nil)], undecoded: 0).isEmpty)
    #expect(account.usedBytes == held)
    _ = state.finishedAnswer(2)
    #expect(account.usedBytes == 0 && state.isIdle)
  }

  // read:   |head 1 … head 2's begin|head 2's rest … head 3's begin|…
  // answer:          |1                        |2
  @Test func headsOfARequestAfterTheOtherDoNotAddUp() {
    var state = connection()
    for number in 0..<1000 {
      #expect(state.read(64, [head(1), .end(nil)], undecoded: 5).isEmpty)
      _ = state.finishedAnswer(UInt64(number))
    }
    #expect(account.usedBytes == 0)
    state.closed()
  }

  @Test func aConnectionWithAPartOfAHeadIsNotIdle() {
    var state = connection()
    #expect(state.read(64, [head(1), .end(nil)], undecoded: 5).isEmpty)
    _ = state.finishedAnswer(100)
    #expect(!state.isIdle)
    if case .nothing = state.timePassed(109) {} else { Issue.record("its header has 10 ns") }
    if case .nothing = state.timePassed(111) { Issue.record("its header had 10 ns") }
  }

  @Test func aBodyInTheSameReadIsNotTakenForAHead() {
    var state = connection()
    let body = ByteBuffer(repeating: 7, count: 60_000)
    #expect(state.read(60_050, [head(3, [("content-length", "60000")]), .body(body)], undecoded: 0).isEmpty)
    #expect(account.usedBytes == 60_000)
    state.closed()
  }

  @Test func aHeadWithoutRoomIsRefusedAndKeepsNothing() {
    var first = connection()
    _ = first.read(90_000, undecoded: 90_000)
    let held = account.usedBytes
    var unfinished = connection()
    #expect(unfinished.read(20_000, undecoded: 20_000) == [503])
    #expect(unfinished.isEnding && account.usedBytes == held)
    // The bytes that follow are skipped.
    #expect(unfinished.read(20_000, undecoded: 0).isEmpty && account.usedBytes == held)
    var complete = connection()
    #expect(complete.read(20_100, [head(20_000)], undecoded: 0) == [503])
    #expect(account.usedBytes == held)
    var small = connection()
    #expect(small.read(100, [head(10), .end(nil)], undecoded: 0).isEmpty)
    first.closed()
    #expect(account.usedBytes == 0)
  }

  @Test func headsAheadOfTheirTurnCount() {
    var state = connection()
    #expect(state.read(40, [head(3), .end(nil)], undecoded: 0).isEmpty)
    state.bytesArrived(30_100, 2)
    let fits = state.decoded(head(30_000))
    #expect(fits && account.usedBytes > 50_000)
    // Nothing can be said about one that does not fit: the answer before it is not complete.
    state.bytesArrived(90_100, 2)
    let isTooMuch = !state.decoded(head(90_000))
    #expect(isTooMuch)
    if case .close = state.lacksRoom() {} else { Issue.record("the connection stays") }
    state.closed()
    #expect(account.usedBytes == 0)
  }

  @Test func aBodyAndItsHeadNeverFitTogether() {
    var state = connection()
    let large = head(50_000, [("content-length", "150000")])
    #expect(state.read(50_100, [large], undecoded: 0) == [413])
    #expect(account.usedBytes == 0)
  }

  @Test func slowHeadsGiveBackWhatTheyHold() {
    var state = connection()
    _ = state.read(20_000, undecoded: 20_000)
    if case .refuse(let refusal, _) = state.timePassed(11) {
      #expect(refusal.status == 408)
    } else {
      Issue.record("the head is waited for")
    }
    #expect(account.usedBytes == 0)
  }
}
