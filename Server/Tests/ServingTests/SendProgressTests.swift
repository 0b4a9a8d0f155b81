import Serving
import Testing

extension SendProgress {
  fileprivate mutating func check(
    at now: UInt64, taken: UInt64, hasToBeDone: Bool = false, isTooSlow expected: Bool,
    from location: SourceLocation = #_sourceLocation
  ) {
    let isTooSlow = isTooSlow(at: now, taken: taken, hasToBeDone: hasToBeDone)
    #expect(isTooSlow == expected, sourceLocation: location)
  }
}

/// A client that is to take one byte a nanosecond, over windows of 100 nanoseconds.
@Suite struct SendProgressTests {
  @Test func aShortAnswerHasOneWindow() {
    var progress = SendProgress(bytesPerSecond: 1_000_000_000, window: 100)
    #expect(progress.deadline == .max)
    progress.sends(100, at: 10, taken: 0)
    #expect(progress.deadline == 110)
    progress.check(at: 109, taken: 0, isTooSlow: false)
    progress.check(at: 110, taken: 99, isTooSlow: true)
  }

  @Test func aTakenAnswerIsNotWaitedFor() {
    var progress = SendProgress(bytesPerSecond: 1_000_000_000, window: 100)
    progress.sends(100, at: 10, taken: 0)
    progress.isDone()
    #expect(progress.deadline == .max)
    progress.sends(5, at: 200, taken: 0)
    #expect(progress.deadline == 300)
  }

  @Test func eachWindowOfALongAnswerNeedsProgress() {
    var progress = SendProgress(bytesPerSecond: 1_000_000_000, window: 100)
    progress.sends(3, at: 0, taken: 70)
    progress.sends(100_000, at: 1, taken: 70)
    progress.check(at: 101, taken: 120, isTooSlow: false)
    #expect(progress.deadline == 201)
    // Progress beyond the minimum in one window does not count in the next.
    progress.check(at: 201, taken: 1000, isTooSlow: false)
    progress.check(at: 301, taken: 1049, isTooSlow: true)
  }

  @Test func whereOthersWaitOneWindowHasToDo() {
    var progress = SendProgress(bytesPerSecond: 1_000_000_000, window: 100)
    progress.sends(100_000, at: 0, taken: 0)
    progress.check(at: 100, taken: 50_000, hasToBeDone: true, isTooSlow: true)
  }

  @Test func answersThatFollowEachOtherAreJudgedByWhatWasOwed() {
    var progress = SendProgress(bytesPerSecond: 1_000_000_000, window: 100, isMeasuredAlways: true)
    progress.sends(10, at: 0, taken: 0)
    // The next one is sent just before the window ends, and need not be taken by then.
    progress.sends(500, at: 95, taken: 5)
    progress.took(10)
    progress.check(at: 195, taken: 55, isTooSlow: false)
    var idle = SendProgress(bytesPerSecond: 1_000_000_000, window: 100, isMeasuredAlways: true)
    idle.sends(10, at: 0, taken: 0)
    idle.sends(10, at: 99, taken: 0)
    idle.check(at: 100, taken: 9, isTooSlow: true)
    idle = SendProgress(bytesPerSecond: 1_000_000_000, window: 100, isMeasuredAlways: true)
    idle.sends(10, at: 0, taken: 0)
    idle.sends(10, at: 99, taken: 0)
    idle.took(10)
    idle.check(at: 100, taken: 10, isTooSlow: false)
  }
}
