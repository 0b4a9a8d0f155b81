import Foundation

/// Distributes threads among lanes: the pure part.
///
/// The threads that lanes hold together never exceed `total`. A lane that computes alone may take all of
/// them; if several want to compute, each gets an equal part.
package struct ThreadShareState: Sendable {
  package let total: Int
  /// Threads that each lane holds. Lanes are few and numbered from 0, and this is asked twice a kernel.
  package private(set) var held: [Int] = []
  private var isComputing: [Bool] = []
  /// Threads that lanes hold together.
  private var heldThreads = 0
  private var computing = 0

  package init(total: Int) { self.total = total }

  /// `lane` has kernels to run from now on.
  package mutating func begin(_ lane: Int) { setComputing(lane, true) }

  /// `lane` sleeps, or waits for a load.
  package mutating func end(_ lane: Int) { setComputing(lane, false) }

  private mutating func setComputing(_ lane: Int, _ computes: Bool) {
    makeRoom(for: lane)
    guard isComputing[lane] != computes else { return }
    isComputing[lane] = computes
    computing += computes ? 1 : -1
  }

  private mutating func makeRoom(for lane: Int) {
    while held.count <= lane {
      held.append(0)
      isComputing.append(false)
    }
  }

  /// Takes threads for one kernel.
  /// - Parameter counts: the numbers of threads that the kernel can run with, ascending.
  /// - Returns: how many it got; `nil` when it has to wait for another lane's kernel to end.
  package mutating func take(_ lane: Int, from counts: [Int]) -> Int? {
    let free = total - heldThreads
    let share = max(1, total / max(1, computing))
    guard let least = counts.first, least <= free || heldThreads == 0 else { return nil }
    let count = counts.last { $0 <= min(free, share) } ?? least
    makeRoom(for: lane)
    heldThreads += count - held[lane]
    held[lane] = count
    return count
  }

  /// `lane` has one thread from now on, for all of its kernels.
  /// - Returns: false when none is free now.
  package mutating func beginAlone(_ lane: Int) -> Bool {
    guard heldThreads < total else { return false }
    begin(lane)
    return take(lane, from: [1]) != nil
  }

  /// The kernel has ended.
  package mutating func give(_ lane: Int) {
    makeRoom(for: lane)
    heldThreads -= held[lane]
    held[lane] = 0
  }
}

/// ``ThreadShareState`` for lanes, which are threads and may sleep until a share is free.
///
/// @unchecked Sendable: `state` and `sleepers` are used under the condition's lock alone.
final class ThreadShares: @unchecked Sendable {
  private let condition = NSCondition()
  private var state: ThreadShareState
  private var sleepers = 0

  init(total: Int) { state = ThreadShareState(total: total) }

  func begin(_ lane: Int) { condition.withLock { state.begin(lane) } }

  func end(_ lane: Int) {
    condition.withLock {
      state.end(lane)
      if sleepers > 0 { condition.broadcast() }
    }
  }

  func beginAlone(_ lane: Int) -> Bool { condition.withLock { state.beginAlone(lane) } }

  func endAlone(_ lane: Int) {
    condition.withLock {
      state.give(lane)
      state.end(lane)
      if sleepers > 0 { condition.broadcast() }
    }
  }

  func take(_ lane: Int, from counts: [Int]) -> Int {
    condition.withLock {
      while true {
        if let count = state.take(lane, from: counts) { return count }
        sleepers += 1
        condition.wait()
        sleepers -= 1
      }
    }
  }

  func give(_ lane: Int) {
    condition.withLock {
      state.give(lane)
      if sleepers > 0 { condition.broadcast() }
    }
  }
}
