import Device

/// The number of rows that the rest of one plan is planned for.
///
/// A rest whose rows cost little is planned for the most rows that there were so far, rounded up to a power of two: one plan
/// serves all numbers. Where rows cost more than that wastes, a quarter of the number at most is wasted.
package final class RowBound: Sendable {
  private struct State {
    var rows = RowBound.least
    var microsecondsPerRow = 0.0
  }

  private let state = Locked(State())
  /// The time that rows which are not there may take, in microseconds.
  private let allowance: Double

  private static let least = 16

  /// - Parameter microseconds: the time of the plan that comes before the rest.
  package init(after microseconds: Double) { allowance = max(20, microseconds / 50) }

  /// Returns the number of rows to plan for if there are `count`.
  package func rows(for count: Int) -> Int {
    let state = state.withLock { $0 }
    let wide = max(state.rows, RowBound.powerOfTwo(above: count))
    if state.microsecondsPerRow * Double(wide - count) <= allowance { return wide }
    let step = max(RowBound.powerOfTwo(above: count) / 8, 1)
    return count % step == 0 ? count : count + step - count % step
  }

  /// Returns true if a plan for so many rows serves every smaller number too.
  package func isWide(_ rows: Int) -> Bool { rows == RowBound.powerOfTwo(above: rows) }

  /// Notes that a plan for this number of rows takes about this time.
  package func note(rows: Int, microseconds: Double) {
    state.withLock { state in
      state.microsecondsPerRow = microseconds / Double(max(rows, 1))
      if isWide(rows) { state.rows = max(state.rows, rows) }
    }
  }

  private static func powerOfTwo(above count: Int) -> Int {
    var power = least
    while power < count, power < 1 << 60 { power *= 2 }
    return power
  }
}
