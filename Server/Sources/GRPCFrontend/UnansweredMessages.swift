/// The bytes of one stream's unanswered messages. Each message is answered once, in any order. An answer
/// removes the smallest message, so the total is an upper bound for the waiting messages and never too low.
package struct UnansweredMessages {
  /// By what a message is counted as, which is an eighth more than it has at most: how many there are.
  private var counts: [Int: Int] = [:]
  package private(set) var byteCount = 0

  package init() {}

  package mutating func add(_ bytes: Int) {
    let unit = 1 << max(6, Int.bitWidth - bytes.leadingZeroBitCount - 4)
    let counted = (bytes + unit - 1) / unit * unit
    counts[counted, default: 0] += 1
    byteCount += counted
  }

  package mutating func removeSmallest() {
    guard let smallest = counts.keys.min(), let count = counts[smallest] else { return }
    counts[smallest] = count > 1 ? count - 1 : nil
    byteCount -= smallest
  }
}
