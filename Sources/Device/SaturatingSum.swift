/// Sums of sizes that requests determine. No sum of them traps, and one that does not fit an `Int` fits no budget.
extension Int {
  /// Returns the sum, or the nearest `Int` if the sum does not fit one.
  package func adding(saturating other: Int) -> Int {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? (other < 0 ? .min : .max) : sum
  }
}

extension Sequence<Int> {
  /// The sum of all elements, which are sizes; `Int.max` if it does not fit an `Int`.
  package var saturatingSum: Int { reduce(0) { $0.adding(saturating: $1) } }
}
