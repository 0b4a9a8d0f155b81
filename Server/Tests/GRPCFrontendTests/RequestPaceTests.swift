import GRPCFrontend
import Testing

/// A client that owes one byte a nanosecond, once 100 nanoseconds are over.
@Suite struct RequestPaceTests {
  private func pace(isOwed: Bool) -> RequestPace {
    var pace = RequestPace(patience: 100, bytesPerSecond: 1_000_000_000)
    pace.begins(at: 10, isOwed: isOwed)
    return pace
  }

  /// asks - sends a little each 50 ns - too slow after 100 ns and one for each byte
  @Test func aRequestMayTakeItsPatienceAndTheTimeOfItsBytes() {
    var pace = pace(isOwed: true)
    #expect(pace.deadline == 110)
    pace.arrived(3, at: 60, isNew: false, isOwed: true)
    #expect(pace.deadline == 113)
    pace.arrived(3, at: 110, isNew: false, isOwed: true)
    #expect(pace.deadline == 116 && !pace.isSilent(at: 116))
  }

  /// asks - sends much at once - is silent
  @Test func muchThatCameExcusesNoSilence() {
    var pace = pace(isOwed: true)
    pace.arrived(1_000_000, at: 20, isNew: false, isOwed: true)
    #expect(pace.deadline == 120 && pace.isSilent(at: 120) && !pace.isSilent(at: 119))
  }

  /// asks - sends at the rate - goes on for long
  @Test func theMinimumRateIsEnough() {
    var pace = pace(isOwed: true)
    for time in stride(from: 60, to: 100_000, by: 50) as StrideTo<UInt64> {
      pace.arrived(50, at: time, isNew: false, isOwed: true)
      #expect(pace.deadline > time + 50)
    }
  }

  /// a stream: nothing is owed - a message begins - is complete - another begins in the same piece - is complete
  @Test func eachMessageOfAStreamHasItsOwnTime() {
    var pace = pace(isOwed: false)
    #expect(pace.deadline == .max)
    pace.arrived(5, at: 1000, isNew: false, isOwed: true)
    #expect(pace.deadline == 1100)
    pace.arrived(2, at: 1090, isNew: true, isOwed: true)
    #expect(pace.deadline == 1190)
    pace.arrived(1, at: 1180, isNew: false, isOwed: true)
    #expect(pace.deadline == 1193)
    pace.arrived(0, at: 1192, isNew: true, isOwed: false)
    #expect(pace.deadline == .max && pace.lastArrival == 1192)
  }

  /// a message begins - the server does not read - reads again
  @Test func theTimeInWhichNothingIsReadDoesNotCount() {
    var pace = pace(isOwed: false)
    pace.arrived(5, at: 20, isNew: false, isOwed: true)
    pace.resumes(at: 5000)
    #expect(pace.deadline == 5100)
    pace.arrived(0, at: 5050, isNew: true, isOwed: false)
    pace.resumes(at: 6000)
    #expect(pace.deadline == .max)
  }

  @Test func aPatienceWithoutEndIsNone() {
    var pace = RequestPace(patience: .max, bytesPerSecond: 0)
    pace.begins(at: 1, isOwed: true)
    #expect(pace.deadline == .max)
  }
}
