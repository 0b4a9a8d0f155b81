import InferenceProtocol
import NIOCore
import NIOHTTP1
import Serving

/// Decides a connection's next step: collect a request, have it answered, refuse it, or close. Times are
/// nanoseconds of one clock. ``ConnectionHandler`` carries the decisions out.
package struct ConnectionState {
  /// Why a request is not even handed on. The connection ends with it.
  package struct Refusal: Error, Hashable {
    package var status: Int
    package var message: String
    /// Seconds.
    package var retryAfter: Int?

    package init(status: Int, message: String, retryAfter: Int? = nil) {
      self.status = status
      self.message = message
      self.retryAfter = retryAfter
    }
  }

  package enum Action {
    case nothing
    /// With what the body is counted in.
    case answer(HTTPRequestHead, ByteBuffer, HeldBytes)
    /// The client waits for leave to send its body.
    case askForBody(HTTPVersion)
    case refuse(Refusal, HTTPVersion)
    case close
  }

  private struct Collection {
    var head: HTTPRequestHead
    var declared: Int?
    var body = ByteBuffer()
    var held: HeldBytes
    var began: UInt64
  }

  private enum Phase {
    /// Between requests; `began`: bytes of the next one have come.
    case waiting(began: Bool)
    case collecting(Collection)
    case answering(keepsAlive: Bool)
    /// A last answer is on its way, or has been read by nobody yet; whatever comes is passed over.
    case ending
  }

  /// Why a request is not to be read, by its header, and whether it has a body.
  package typealias Gate = (HTTPRequestHead, Bool) -> Refusal?

  private let limits: Limits
  private let gate: Gate
  private let account: ByteAccount
  private var phase = Phase.waiting(began: false)
  /// Bytes of bodies that came ahead of their turn.
  private let ahead: HeldBytes
  private var aheadBytes = 0
  private var heads: HeadBytes
  /// The head of the request that is being collected or answered.
  private var head: HTTPRequestHead?
  /// Bytes of answers that were given to the socket, and are counted.
  private var sending = 0
  private var progress: SendProgress
  /// The account's refusals when the window of ``progress`` began.
  private var refusalsBefore: UInt64 = 0
  /// When the header of the last request had come.
  package private(set) var arrival: UInt64 = 0
  private var isQuiescing = false
  /// When ``timePassed(_:)`` has something to do.
  package private(set) var deadline: UInt64

  /// - Parameter gate: asked about each request, before any of its body is read.
  package init(limits: Limits, account: ByteAccount, now: UInt64, gate: @escaping Gate = { _, _ in nil }) {
    self.limits = limits
    self.gate = gate
    self.account = account
    ahead = HeldBytes(account)
    heads = HeadBytes(account)
    progress = SendProgress(bytesPerSecond: limits.minimumBytesPerSecond, window: limits.bodyTimeout)
    // A handshake of TLS comes before the first byte of a header, and is bounded by this alone.
    deadline = now &+ min(limits.headerTimeout, limits.idleTimeout)
  }

  /// True if more bytes are wanted now. While a request is answered, the bytes of the next one wait.
  package var wantsBytes: Bool {
    if case .answering = phase { return false }
    return true
  }

  /// True while a request is being answered.
  package var isAnswering: Bool { !wantsBytes }

  /// Between requests, with nothing of the next one.
  package var isIdle: Bool {
    if case .waiting(began: false) = phase { true } else { false }
  }

  /// True once the connection is about to close: bytes that arrive are not decoded, and the decoder can go.
  package var isEnding: Bool {
    if case .ending = phase { true } else { false }
  }

  // MARK: Input

  /// Bytes have arrived, and are decoded next.
  package mutating func bytesArrived(_ bytes: Int, _ now: UInt64) {
    heads.arrived(bytes)
    guard case .waiting(began: false) = phase else { return }
    phase = .waiting(began: true)
    deadline = now &+ limits.headerTimeout
  }

  /// The bytes have been decoded: what is left of them belongs to an unfinished head.
  /// - Parameter undecoded: the bytes that the decoder keeps.
  package mutating func bytesDecoded(undecoded: Int) -> Action {
    guard !isEnding, (try? heads.settle(undecoded: undecoded)) == nil else { return .nothing }
    return lacksRoom()
  }

  /// A part has been decoded, whose turn may come later.
  /// - Returns: false if there is no room for it.
  package mutating func decoded(_ part: HTTPServerRequestPart) -> Bool {
    isEnding || (try? heads.decoded(part)) != nil
  }

  /// There is no room for what has arrived.
  package mutating func lacksRoom() -> Action {
    switch phase {
    case .waiting: return refuse(tooMany, .http1_1)
    case .collecting(let collection): return refuse(tooMany, collection.head.version)
    // It came ahead of its turn, so nothing can be said about it.
    case .answering: return .close
    case .ending: return .nothing
    }
  }

  package mutating func received(_ part: HTTPServerRequestPart, _ now: UInt64) -> Action {
    switch part {
    case .head(let head):
      guard case .waiting = phase else { return .nothing }
      return begin(head, now)
    case .body(let bytes):
      guard case .collecting(var collection) = phase else { return .nothing }
      // A second reference to the body, here or in `phase`, would make appending copy all of it.
      phase = .ending
      return add(bytes, to: &collection)
    case .end:
      guard case .collecting(let collection) = phase else { return .nothing }
      phase = .answering(keepsAlive: collection.head.isKeepAlive && !isQuiescing)
      deadline = .max
      return .answer(collection.head, collection.body, collection.held)
    }
  }

  private mutating func begin(_ head: HTTPRequestHead, _ now: UInt64) -> Action {
    arrival = now
    self.head = head
    guard head.version.major == 1 else {
      return refuse(Refusal(status: 505, message: "this server speaks HTTP/1.1"), .http1_1)
    }
    var declared: Int?
    if let text = head.headers.first(name: "content-length") {
      guard let length = Int(text), length >= 0 else {
        return refuse(
          Refusal(status: 400, message: "'Content-Length' is not a number of bytes"), head.version)
      }
      if let refusal = gate(head, length > 0) { return refuse(refusal, head.version) }
      guard length <= maxBodyBytes else { return refuse(tooLarge, head.version) }
      // Nothing is kept free for what is only announced: who sends it slowly would keep others out. What has no room now
      // is refused before it comes.
      guard account.hasRoom(for: length) else { return refuse(tooMany, head.version) }
      declared = length
    } else if let refusal = gate(head, head.headers.contains(name: "transfer-encoding")) {
      return refuse(refusal, head.version)
    }
    phase = .collecting(
      Collection(head: head, declared: declared, held: HeldBytes(account), began: now))
    deadline = now &+ limits.bodyTimeout
    guard !head.version.isOlderThan11, head.headers.first(name: "expect")?.lowercased() == "100-continue",
      declared != 0
    else {
      return .nothing
    }
    return .askForBody(head.version)
  }

  private mutating func add(_ bytes: ByteBuffer, to collection: inout Collection) -> Action {
    guard bytes.readableBytes <= maxBodyBytes - collection.body.readableBytes else {
      return refuse(tooLarge, collection.head.version)
    }
    do { try collection.held.reserve(bytes.readableBytes) } catch {
      return refuse(tooMany, collection.head.version)
    }
    if collection.body.readableBytes == 0, bytes.readableBytes == collection.declared,
      bytes.readableBytes >= bytes.storageCapacity / 2
    {
      // A body that came in one piece stays where it is, unless it would keep much more memory than it is counted for.
      collection.body = bytes
    } else {
      if let declared = collection.declared {
        let wanted = max(ConnectionState.firstRoom, 2 * collection.body.readableBytes, bytes.readableBytes)
        collection.body.reserveCapacity(min(declared, wanted))
      }
      collection.body.writeImmutableBuffer(bytes)
    }
    deadline = collection.began &+ allowance(collection.body.readableBytes)
    phase = .collecting(collection)
    return .nothing
  }

  /// The bytes are no HTTP.
  package mutating func failedToParse(headerIsTooLarge: Bool) -> Action {
    switch phase {
    case .waiting, .collecting:
      return refuse(
        headerIsTooLarge
          ? Refusal(status: 431, message: "the request's header is too large")
          : Refusal(status: 400, message: "this is not an HTTP/1.1 request"), .http1_1)
    case .answering:
      // The request being answered came before; none can come after.
      phase = .answering(keepsAlive: false)
      return .nothing
    case .ending: return .nothing
    }
  }

  /// The room that is made for a body at first, at most.
  private static let firstRoom = 1 << 20

  /// The most that a body can have, beside its head.
  private var maxBodyBytes: Int { min(limits.maxBodyBytes, account.limit - heads.countedBytes) }

  private var tooLarge: Refusal {
    Refusal(
      status: 413,
      message: "the request's body exceeds the server's limit of \(maxBodyBytes) bytes")
  }

  private var tooMany: Refusal {
    Refusal(
      status: 503,
      message: "the server holds too many bytes of requests and answers; retry later",
      retryAfter: 1)
  }

  /// A part of the next request came while one is answered.
  /// - Returns: false when there is no room to keep it.
  package mutating func keepsAhead(_ part: HTTPServerRequestPart) -> Bool {
    guard case .body(let bytes) = part else { return true }
    aheadBytes += bytes.readableBytes
    return (try? ahead.change(to: aheadBytes)) != nil
  }

  /// The part's turn has come.
  package mutating func takesUp(_ part: HTTPServerRequestPart) {
    guard case .body(let bytes) = part else { return }
    aheadBytes -= bytes.readableBytes
    ahead.lower(to: aheadBytes)
  }

  private mutating func refuse(_ refusal: Refusal, _ version: HTTPVersion) -> Action {
    end()
    return .refuse(refusal, version)
  }

  private mutating func end() {
    phase = .ending
    release()
    heads.release()
    head = nil
    deadline = .max
  }

  private mutating func release() {
    account.release(sending)
    sending = 0
  }

  // MARK: Output

  /// The connection's end is the end of the answer, which has no length: HTTP/1.0 knows no other way.
  package mutating func answerEndsWithConnection() {
    if case .answering = phase { phase = .answering(keepsAlive: false) }
  }

  /// True if the answer's header has to say that the connection ends with it.
  package var endsAfterAnswer: Bool {
    switch phase {
    case .answering(let keepsAlive): !keepsAlive || isQuiescing
    case .ending: true
    case .waiting, .collecting: false
    }
  }

  /// Bytes were given to the socket, and are waited for.
  /// - Parameter taken: how many bytes the client has taken so far, on this connection.
  package mutating func beganToSend(_ bytes: Int, _ now: UInt64, taken: @autoclosure () -> UInt64 = 0) {
    // A connection that has closed meanwhile is not told when the bytes are gone.
    if case .answering = phase {
      account.take(bytes)
      sending += bytes
    }
    watch(bytes, now, taken: taken())
  }

  private mutating func watch(_ bytes: Int, _ now: UInt64, taken: @autoclosure () -> UInt64) {
    if progress.deadline == .max { refusalsBefore = account.refusals }
    progress.sends(bytes, at: now, taken: taken())
    deadline = progress.deadline
  }

  /// The end of an answer was given to the socket, and is waited for like its bytes, also where there are none.
  package mutating func beganToEnd(_ now: UInt64) {
    watch(0, now, taken: 0)
  }

  /// Returns the time allowed for `bytes` of a body: the base time of any body, and the time they take at the slowest rate.
  private func allowance(_ bytes: Int) -> UInt64 {
    let nanoseconds = Double(bytes) / Double(max(limits.minimumBytesPerSecond, 1)) * 1e9
    return limits.bodyTimeout &+ UInt64(min(max(nanoseconds, 0), 1e18))
  }

  /// A part of an answer that goes on has been taken by the client.
  package mutating func sent() {
    release()
    progress.isDone()
    if case .answering = phase { deadline = .max }
  }

  /// The last byte of an answer has been taken by the client.
  package mutating func finishedAnswer(_ now: UInt64) -> Action {
    let ends = endsAfterAnswer
    release()
    progress.isDone()
    if let head { heads.ended(head) }
    head = nil
    switch phase {
    case .answering:
      guard !ends else {
        end()
        return .close
      }
      let began = heads.hasUnfinished
      phase = .waiting(began: began)
      deadline = now &+ (began ? limits.headerTimeout : limits.idleTimeout)
      return .nothing
    case .ending:
      // Remaining input is read briefly, because the client would not see the answer otherwise.
      deadline = now &+ min(limits.bodyTimeout, 2_000_000_000)
      return .nothing
    case .waiting, .collecting: return .nothing
    }
  }

  // MARK: Time and ends

  /// - Parameter taken: how many bytes the client has taken so far, on this connection.
  package mutating func timePassed(_ now: UInt64, taken: @autoclosure () -> UInt64 = 0) -> Action {
    guard now >= deadline else { return .nothing }
    switch phase {
    case .answering where progress.deadline != .max, .ending where progress.deadline != .max:
      // A request that was refused for lack of room waits for large answers.
      let isWaitedFor = account.refusals != refusalsBefore && sending > account.limit / 16
      guard progress.isTooSlow(at: now, taken: taken(), hasToBeDone: isWaitedFor) else {
        refusalsBefore = account.refusals
        deadline = progress.deadline
        return .nothing
      }
      end()
      return .close
    case .waiting(began: false), .answering, .ending:
      end()
      return .close
    case .waiting(began: true):
      return refuse(Refusal(status: 408, message: "the request's header arrived too slowly"), .http1_1)
    case .collecting(let collection):
      return refuse(
        Refusal(status: 408, message: "the request's body arrived too slowly"), collection.head.version)
    }
  }

  /// The server shuts down.
  package mutating func quiesce() -> Action {
    isQuiescing = true
    guard case .waiting(began: false) = phase else { return .nothing }
    end()
    return .close
  }

  package mutating func closed() { end() }
}
