import Foundation

/// What lanes take their work from.
///
/// @unchecked Sendable: the members below are used under the condition's lock alone.
final class LaneQueue: @unchecked Sendable {
  private let condition = NSCondition()
  private var jobs: [(@Sendable (Int) -> Void)?] = []
  private var head = 0
  private var closed = false

  /// Adds work for the next free lane; the lane's number is handed in.
  func append(_ job: @escaping @Sendable (Int) -> Void) {
    condition.withLock {
      jobs.append(job)
      condition.signal()
    }
  }

  /// The next work, first come, first served; sleeps until there is some. `nil` when the queue is closed and empty.
  func next() -> (@Sendable (Int) -> Void)? {
    condition.withLock {
      while head == jobs.count && !closed { condition.wait() }
      guard head < jobs.count else { return nil }
      // Taken out at once: a job holds its program's inputs and answers.
      let job = jobs[head].take()
      head += 1
      if head * 2 > jobs.count {
        jobs.removeFirst(head)
        head = 0
      }
      return job
    }
  }

  /// Lanes end when the work that is queued is done.
  func close() {
    condition.withLock {
      closed = true
      condition.broadcast()
    }
  }
}

/// Starts one lane: a thread of its own that sleeps passively when there is no work.
func startLane(_ number: Int, queue: LaneQueue) {
  let thread = Thread {
    while let job = queue.next() { job(number) }
  }
  thread.name = "lane \(number)"
  thread.stackSize = 8 << 20
  thread.start()
}
