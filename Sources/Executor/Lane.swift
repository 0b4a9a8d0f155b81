import Dispatch
import Foundation

/// The queue from which lanes take their work.
///
/// It wakes the lowest sleeping lane: a model that runs again and again stays on one lane, whose threads and
/// caches still hold its data.
///
/// @unchecked Sendable: the variables below are used under the lock alone.
final class LaneQueue: @unchecked Sendable {
  typealias Job = @Sendable (_ lane: Int) -> Void

  private let lock = NSLock()
  private let wakeUps: [DispatchSemaphore]
  private var sleeps: [Bool]
  private var jobs: [Job?] = []
  private var head = 0
  private var isClosed = false

  init(lanes: Int) {
    wakeUps = (0..<lanes).map { _ in DispatchSemaphore(value: 0) }
    sleeps = Array(repeating: false, count: lanes)
  }

  /// Adds work for the next free lane; the lane's number is handed in.
  func append(_ job: @escaping Job) {
    let lane = lock.withLock { () -> Int? in
      jobs.append(job)
      return wakeOne()
    }
    if let lane { wakeUps[lane].signal() }
  }

  /// The next work, first come, first served; sleeps until there is some. `nil` when the queue is closed and empty.
  func next(for lane: Int) -> Job? {
    while true {
      if let (job, isEnd) = lock.withLock({ take(for: lane) }) { return isEnd ? nil : job }
      wakeUps[lane].wait()
    }
  }

  /// Takes a lane that sleeps, so that the caller may run something in its place: the highest, the others' threads being
  /// those that are warm. `nil` when none sleeps.
  func borrowLane() -> Int? {
    lock.withLock {
      guard let lane = sleeps.lastIndex(of: true) else { return nil }
      sleeps[lane] = false
      return lane
    }
  }

  /// The lane may take work again.
  func giveBack(_ lane: Int) {
    let hasWork = lock.withLock {
      sleeps[lane] = head == jobs.count && !isClosed
      return !sleeps[lane]
    }
    if hasWork { wakeUps[lane].signal() }
  }

  /// True while all lanes sleep and none is lent.
  var isIdle: Bool { lock.withLock { sleeps.allSatisfy { $0 } } }

  /// Lanes end when the work that is queued is done.
  func close() {
    let lanes = lock.withLock { () -> [Int] in
      isClosed = true
      defer { sleeps = sleeps.map { _ in false } }
      return sleeps.indices.filter { sleeps[$0] }
    }
    for lane in lanes { wakeUps[lane].signal() }
  }

  private func wakeOne() -> Int? {
    guard let lane = sleeps.firstIndex(of: true) else { return nil }
    sleeps[lane] = false
    return lane
  }

  /// `nil` when the lane has to sleep, which is noted.
  private func take(for lane: Int) -> (Job?, isEnd: Bool)? {
    guard head < jobs.count else {
      if isClosed { return (nil, isEnd: true) }
      sleeps[lane] = true
      return nil
    }
    // Taken out at once: a job holds its program's inputs and answers.
    let job = jobs[head].take()
    head += 1
    if head * 2 > jobs.count {
      jobs.removeFirst(head)
      head = 0
    }
    return (job, isEnd: false)
  }
}

/// Starts one lane: a thread of its own that sleeps passively when there is no work.
func startLane(_ number: Int, queue: LaneQueue) {
  let thread = Thread {
    while let job = queue.next(for: number) { job(number) }
  }
  thread.name = "lane \(number)"
  thread.stackSize = 8 << 20
  thread.start()
}
