/// Decides which connections of one port give way when there are as many as there may be: idle ones, the longest idle first.
package struct ConnectionCrowd<ID: Hashable & Sendable>: Sendable {
  private let limit: Int
  private var open: Set<ID> = []
  /// Idle connections that have not been asked to leave, by when they became idle.
  private var idle: [ID: UInt64] = [:]
  private var time: UInt64 = 0

  package init(limit: Int) { self.limit = max(limit, 1) }

  /// True while no connection may be accepted. One may be for which an idle one can give way.
  package var isFull: Bool { open.count > limit || open.count == limit && idle.isEmpty }

  package var count: Int { open.count }

  /// A connection was accepted, and has asked nothing yet.
  /// - Returns: the connection to close, where this is one too many.
  package mutating func opened(_ id: ID) -> ID? {
    open.insert(id)
    let leaving = open.count > limit ? leaves() : nil
    markIdle(id)
    return leaving
  }

  /// A connection has no request any more.
  /// - Returns: the connection to close, where there is one too many.
  package mutating func becameIdle(_ id: ID) -> ID? {
    guard open.contains(id) else { return nil }
    markIdle(id)
    return open.count > limit ? leaves() : nil
  }

  private mutating func markIdle(_ id: ID) {
    time += 1
    idle[id] = time
  }

  /// A request has begun on a connection.
  package mutating func becameBusy(_ id: ID) { idle[id] = nil }

  package mutating func closed(_ id: ID) {
    open.remove(id)
    idle[id] = nil
  }

  /// - Returns: the connection to close where something else needs its room, such as a descriptor.
  package mutating func leaves() -> ID? {
    guard let oldest = idle.min(by: { $0.value < $1.value })?.key else { return nil }
    idle[oldest] = nil
    return oldest
  }
}
