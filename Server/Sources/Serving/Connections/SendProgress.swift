/// Follows how fast the client of one connection, or of one call, takes what it is sent. Times are nanoseconds of one clock.
///
/// In each window the client has to take what it was owed when the window began: all of it, or where that is more than the
/// minimum rate makes of a window, half of that (what is seen of a client's progress comes in lumps).
package struct SendProgress: Sendable, Hashable {
  private let window: UInt64
  /// The bytes of one window at the minimum rate.
  private let minimum: Int
  /// Asking how much was taken costs nothing, so it is asked for short answers, too.
  private let isMeasuredAlways: Bool
  private var owed = 0
  private var owedAtStart = 0
  /// The bytes taken since the connection began, at the window's begin; `nil`: the client has to take everything.
  private var takenBefore: UInt64?
  /// When the window ends; `.max` while nothing is owed.
  package private(set) var deadline: UInt64 = .max

  package init(bytesPerSecond: UInt64, window: UInt64, isMeasuredAlways: Bool = false) {
    self.window = window
    self.isMeasuredAlways = isMeasuredAlways
    minimum = Int(min(Double(max(bytesPerSecond, 1)) * Double(window) / 1e9, 1e18))
  }

  /// Bytes are given to the client.
  /// - Parameter taken: how many bytes the client has taken so far, of all that it was ever sent.
  package mutating func sends(_ bytes: Int, at now: UInt64, taken: @autoclosure () -> UInt64) {
    if deadline == .max {
      begin(at: now, taken: isMeasuredAlways ? taken() : nil)
    }
    owed += bytes
    // Parts of one answer follow each other at once.
    if now < deadline &- window / 8 * 7 { owedAtStart = owed }
    if owed > minimum, takenBefore == nil { begin(at: now, taken: taken()) }
  }

  /// The client has taken some of what it is owed.
  package mutating func took(_ bytes: Int) {
    owed -= bytes
    if owed <= 0 { isDone() }
  }

  /// The client has taken all that it was sent.
  package mutating func isDone() {
    owed = 0
    takenBefore = nil
    deadline = .max
  }

  /// Ends a window, and begins the next one.
  /// - Parameters:
  ///   - taken: how many bytes the client has taken so far, of all that it was ever sent.
  ///   - hasToBeDone: others wait for what this answer holds, so that one window has to do.
  /// - Returns: true when the client is too slow.
  package mutating func isTooSlow(at now: UInt64, taken: UInt64, hasToBeDone: Bool) -> Bool {
    guard now >= deadline else { return false }
    let expected = owedAtStart > minimum ? minimum / 2 : owedAtStart
    guard let before = takenBefore, !hasToBeDone, taken &- before >= UInt64(max(expected, 0)) else {
      return true
    }
    begin(at: now, taken: taken)
    return false
  }

  private mutating func begin(at now: UInt64, taken: UInt64?) {
    deadline = now &+ window
    owedAtStart = owed
    takenBefore = taken
  }
}
