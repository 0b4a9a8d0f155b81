import EventLoopTasks
import Testing

@Suite struct ConnectionCrowdTests {
  @Test func theLongestIdleGivesWayToOneTooMany() {
    var crowd = ConnectionCrowd<Int>(limit: 3)
    let leaving = (1...3).map { crowd.opened($0) }
    #expect(leaving == [nil, nil, nil])
    crowd.becameBusy(1)
    _ = crowd.becameIdle(1)
    #expect(!crowd.isFull)
    // The second has been idle for longer than the first.
    var next = crowd.opened(4)
    #expect(next == 2)
    // Until it has closed, there is one too many.
    #expect(crowd.isFull)
    crowd.closed(2)
    #expect(crowd.count == 3 && !crowd.isFull)
    next = crowd.opened(5)
    #expect(next == 3)
  }

  @Test func nobodyIsAskedTwice() {
    var crowd = ConnectionCrowd<Int>(limit: 1)
    _ = crowd.opened(1)
    // Not even the newest, which may be about to ask.
    var next = crowd.opened(2)
    #expect(next == 1)
    next = crowd.leaves()
    #expect(next == 2)
    next = crowd.leaves()
    #expect(next == nil)
  }

  @Test func busyOnesStayUntilTheyAreIdle() {
    var crowd = ConnectionCrowd<Int>(limit: 2)
    for id in 1...2 {
      _ = crowd.opened(id)
      crowd.becameBusy(id)
    }
    #expect(crowd.isFull)
    var next = crowd.leaves()
    #expect(next == nil)
    // One that waits may be accepted now, and takes its place.
    next = crowd.becameIdle(2)
    #expect(next == nil && !crowd.isFull)
    next = crowd.opened(3)
    #expect(next == 2)
  }

  @Test func whatIsClosedIsForgotten() {
    var crowd = ConnectionCrowd<Int>(limit: 2)
    _ = crowd.opened(1)
    crowd.closed(1)
    let next = crowd.becameIdle(1)
    #expect(next == nil && crowd.count == 0)
  }
}
