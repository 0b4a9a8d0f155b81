import EventLoopTasks
import Testing

@Suite struct ConnectionCrowdTests {
  @Test func theLongestIdleGivesWay() {
    var crowd = ConnectionCrowd<Int>(limit: 3)
    let leaving = (1...2).map { crowd.opened($0) }
    #expect(leaving == [nil, nil])
    crowd.becameBusy(1)
    _ = crowd.becameIdle(1)
    // The second has been idle for longer than the first.
    var next = crowd.opened(3)
    #expect(next == 2)
    #expect(crowd.isFull)
    crowd.closed(2)
    #expect(!crowd.isFull)
    next = crowd.opened(4)
    #expect(next == 1)
  }

  @Test func nobodyIsAskedTwice() {
    var crowd = ConnectionCrowd<Int>(limit: 1)
    // Not even the newest, which may be about to ask, when it is the only one.
    var next = crowd.opened(1)
    #expect(next == nil)
    next = crowd.leaves()
    #expect(next == 1)
    next = crowd.leaves()
    #expect(next == nil)
  }

  @Test func whoIsBusyStaysUntilItIsIdle() {
    var crowd = ConnectionCrowd<Int>(limit: 2)
    for id in 1...2 {
      _ = crowd.opened(id)
      crowd.becameBusy(id)
    }
    #expect(crowd.isFull)
    var next = crowd.leaves()
    #expect(next == nil)
    next = crowd.becameIdle(2)
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
