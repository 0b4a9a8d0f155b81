import Device
import Foundation

/// Sends subscribers the server's state when it has changed, and its events, a few times a second. Without
/// subscribers nothing is collected and nothing runs.
///
/// A subscriber that does not keep up is dropped, so that a slow reader costs a bounded amount of memory and
/// does not affect others.
public final class EventHub: Sendable {
  /// One message. `data` is JSON in one line.
  public struct Message: Sendable {
    public var name: String
    public var data: String
  }

  private struct State: Sendable {
    var subscribers: [Int: AsyncStream<Message>.Continuation] = [:]
    var next = 0
    var isRunning = false
    var isClosed = false
    /// The number of subscribers dropped because they did not keep up.
    var dropped: UInt64 = 0
  }

  /// The most that watch at a time.
  public let limit: Int
  /// Messages that wait for one subscriber before it is dropped.
  package static let buffer = 16
  private let period: Duration
  private let heartbeat: Duration

  private let state = Locked(State())
  private let weights = Locked(WeightIndex())

  /// - Parameters:
  ///   - period: between two looks.
  ///   - heartbeat: something is sent at least this often, so that whoever is gone is noticed.
  package init(limit: Int, period: Duration = .milliseconds(250), heartbeat: Duration = .seconds(5)) {
    self.limit = limit
    self.period = period
    self.heartbeat = heartbeat
  }

  /// The current number of subscribers, and the number dropped so far.
  public var usage: (subscribers: Int, dropped: UInt64) {
    state.withLock { ($0.subscribers.count, $0.dropped) }
  }

  /// Messages from now on, beginning with the state. Ends when the reader does not keep up, and when the server stops.
  /// - Throws: ``ServiceError`` when as many watch already as may.
  public func subscribe(to service: InferenceService) throws(ServiceError) -> AsyncStream<Message> {
    let (stream, continuation) = AsyncStream.makeStream(
      of: Message.self, bufferingPolicy: .bufferingOldest(EventHub.buffer))
    let entry: (number: Int, mustStart: Bool)? = state.withLock { state in
      guard !state.isClosed, state.subscribers.count < limit else { return nil }
      let number = state.next
      state.next += 1
      state.subscribers[number] = continuation
      defer { state.isRunning = true }
      return (number, !state.isRunning)
    }
    guard let entry else {
      throw ServiceError(
        .tooManyRequests, "the limit of \(limit) event subscribers is reached", retryAfter: .seconds(5))
    }
    continuation.onTermination = { [weak self] _ in
      self?.state.withLock { $0.subscribers[entry.number] = nil }
    }
    if entry.mustStart {
      service.telemetry.feed.isWatched = true
      Task { await run(service) }
    }
    let weights = index(of: service)
    // The second says what time it is.
    let nothing = LiveActivity(
      ActivityFeed.Activity(), weights: weights, started: service.telemetry.started, now: monotonicClock())
    for message in [
      EventHub.message("state", LiveState(of: service, weights: weights)),
      EventHub.message("activity", nothing),
    ] {
      if let message { continuation.yield(message) }
    }
    return stream
  }

  /// Ends all streams, and takes no more readers.
  public func close() {
    let all = state.withLock { state in
      state.isClosed = true
      defer { state.subscribers = [:] }
      return Array(state.subscribers.values)
    }
    for continuation in all { continuation.finish() }
  }

  /// Collects and tells until nobody watches.
  private func run(_ service: InferenceService) async {
    var (lastState, lastSent) = ("", ContinuousClock.now)
    while true {
      try? await Task.sleep(for: period)
      let isOver = state.withLock { state in
        if state.subscribers.isEmpty {
          state.isRunning = false
          // Before the next subscriber can start another.
          service.telemetry.feed.isWatched = false
        }
        return state.subscribers.isEmpty
      }
      if isOver { return }
      let weights = index(of: service)
      let activity = LiveActivity(
        service.telemetry.feed.take(), weights: weights, started: service.telemetry.started,
        now: monotonicClock())
      var messages: [Message] = []
      if let message = EventHub.message("state", LiveState(of: service, weights: weights)),
        message.data != lastState
      {
        lastState = message.data
        messages.append(message)
      }
      if !activity.isEmpty || ContinuousClock.now - lastSent >= heartbeat,
        let message = EventHub.message("activity", activity)
      {
        messages.append(message)
      }
      if !messages.isEmpty { lastSent = .now }
      for message in messages { send(message) }
    }
  }

  private func send(_ message: Message) {
    let all = state.withLock { $0.subscribers }
    for (number, continuation) in all {
      guard case .dropped = continuation.yield(message) else { continue }
      state.withLock { state in
        if state.subscribers.removeValue(forKey: number) != nil { state.dropped &+= 1 }
      }
      continuation.finish()
    }
  }

  /// The weights of the models that are open, worked out again only when others are.
  func index(of service: InferenceService) -> WeightIndex {
    let models = service.catalog.openModels
    let known = weights.withLock { $0 }
    if known.covers(models) { return known }
    let index = WeightIndex(models)
    weights.withLock { $0 = index }
    return index
  }

  private static func message(_ name: String, _ value: some Encodable) -> Message? {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(value) else { return nil }
    return Message(name: name, data: String(decoding: data, as: UTF8.self))
  }
}
