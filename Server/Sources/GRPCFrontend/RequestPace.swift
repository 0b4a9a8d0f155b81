/// Follows how fast the client of one call sends what it owes: its request or, on a stream of requests, the rest of a message.
/// Times are nanoseconds of one clock.
///
/// All of it may take the patience, and longer only at the minimum rate, as the body of an HTTP request may. In addition the
/// client may be silent no longer than the patience, however much it has sent.
package struct RequestPace: Sendable, Hashable {
  private let patience: UInt64
  private let bytesPerSecond: UInt64
  /// The begin of what is owed; `nil`: nothing is owed.
  private var began: UInt64?
  /// The bytes of it that have arrived since.
  private var bytes = 0
  /// The time at which the client sent something last, or could send again.
  package private(set) var lastArrival: UInt64 = 0

  package init(patience: UInt64, bytesPerSecond: UInt64) {
    self.patience = patience
    self.bytesPerSecond = max(bytesPerSecond, 1)
  }

  /// The call begins.
  /// - Parameter isOwed: the client owes a request at once.
  package mutating func begins(at now: UInt64, isOwed: Bool) {
    began = isOwed ? now : nil
    bytes = 0
    lastArrival = now
  }

  /// Bytes have arrived.
  /// - Parameters:
  ///   - count: the bytes of what is owed now.
  ///   - isNew: what was owed before is complete.
  ///   - isOwed: more has to come.
  package mutating func arrived(_ count: Int, at now: UInt64, isNew: Bool, isOwed: Bool) {
    if isNew || !isOwed || began == nil { begins(at: now, isOwed: isOwed) }
    bytes += count
    lastArrival = now
  }

  /// The server reads again: until now the client could send nothing.
  package mutating func resumes(at now: UInt64) { begins(at: now, isOwed: began != nil) }

  /// The time at which the client is too slow; `.max` while nothing is owed.
  package var deadline: UInt64 {
    guard let began else { return .max }
    let sending = UInt64(min(Double(bytes) / Double(bytesPerSecond) * 1e9, 1e18))
    return min(lastArrival.saturatingSum(patience), began.saturatingSum(patience).saturatingSum(sending))
  }

  /// True when nothing has arrived for the whole patience.
  package func isSilent(at now: UInt64) -> Bool { now >= lastArrival.saturatingSum(patience) }
}

extension UInt64 {
  fileprivate func saturatingSum(_ other: UInt64) -> UInt64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
