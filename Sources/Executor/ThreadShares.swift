import Foundation

/// Who may use how many threads: the pure part.
///
/// The threads that lanes hold together never exceed `total`. A lane that computes alone may take all of them; when
/// several want to compute, each gets its equal part.
package struct ThreadShareState: Sendable {
  package let total: Int
  package private(set) var held: [Int: Int] = [:]
  private var computing: Set<Int> = []

  package init(total: Int) { self.total = total }

  /// `lane` has kernels to run from now on.
  package mutating func begin(_ lane: Int) { computing.insert(lane) }

  /// `lane` sleeps, or waits for a load.
  package mutating func end(_ lane: Int) { computing.remove(lane) }

  /// Takes threads for one kernel.
  /// - Parameter counts: the numbers of threads that the kernel can run with, ascending.
  /// - Returns: how many it got; `nil` when it has to wait for another lane's kernel to end.
  package mutating func take(_ lane: Int, from counts: [Int]) -> Int? {
    let free = total - held.values.reduce(0, +)
    let share = max(1, total / max(1, computing.count))
    guard let least = counts.first, least <= free || held.isEmpty else { return nil }
    let count = counts.last { $0 <= min(free, share) } ?? least
    held[lane] = count
    return count
  }

  /// The kernel has ended.
  package mutating func give(_ lane: Int) { held[lane] = nil }
}

/// ``ThreadShareState`` for lanes, which are threads and may sleep until a share is free.
///
/// @unchecked Sendable: `state` is used under the condition's lock alone.
final class ThreadShares: @unchecked Sendable {
  private let condition = NSCondition()
  private var state: ThreadShareState

  init(total: Int) { state = ThreadShareState(total: total) }

  func begin(_ lane: Int) { condition.withLock { state.begin(lane) } }

  func end(_ lane: Int) {
    condition.withLock {
      state.end(lane)
      condition.broadcast()
    }
  }

  func take(_ lane: Int, from counts: [Int]) -> Int {
    condition.withLock {
      while true {
        if let count = state.take(lane, from: counts) { return count }
        condition.wait()
      }
    }
  }

  func give(_ lane: Int) {
    condition.withLock {
      state.give(lane)
      condition.broadcast()
    }
  }
}
