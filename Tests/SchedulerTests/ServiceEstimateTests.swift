import Scheduler
import Testing

@Suite("Expected times of runs")
struct ServiceEstimateTests {
  private func key(_ shapes: Int) -> ServiceEstimates.Key {
    ServiceEstimates.Key(model: ModelID(rawValue: 1), shapes: shapes)
  }

  private func warm(_ compute: UInt64) -> MemberSample { MemberSample(compute: compute) }

  /// A run that brought 1000 bytes in.
  private func cold(_ compute: UInt64, swapIn: UInt64 = 0) -> MemberSample {
    MemberSample(compute: compute, swapIn: swapIn, bytesLoaded: 1000)
  }

  @Test("the first warm run takes the place of what cold ones have told")
  func firstWarmRun() {
    var estimates = ServiceEstimates()
    estimates.add(cold(100), for: key(0), now: 0)
    #expect(estimates.mean(key(0)) == 100)
    #expect(estimates.measured(key(0))?.count == 0)
    estimates.add(warm(20), for: key(0), now: 0)
    #expect(estimates.mean(key(0)) == 20 && estimates.least(key(0)) == 20)
    #expect(estimates.measured(key(0))?.count == 1)
    // A faster cold run before it is no bound for what a run takes at least.
    estimates.add(cold(10), for: key(1), now: 0)
    estimates.add(warm(20), for: key(1), now: 0)
    #expect(estimates.least(key(1)) == 20)
  }

  @Test("warm runs move the mean by a fifth; cold ones count among themselves, and not after a warm one")
  func means() {
    var estimates = ServiceEstimates()
    estimates.add(cold(100), for: key(0), now: 0)
    estimates.add(cold(50), for: key(0), now: 0)
    #expect(estimates.mean(key(0)) == 90 && estimates.least(key(0)) == 50)
    estimates.add(warm(10), for: key(0), now: 0)
    estimates.add(warm(60), for: key(0), now: 0)
    #expect(estimates.mean(key(0)) == 20)
    estimates.add(cold(1000), for: key(0), now: 0)
    estimates.add(cold(1), for: key(0), now: 0)
    #expect(estimates.mean(key(0)) == 20)
    #expect(estimates.measured(key(0))?.count == 2)
  }

  @Test("the least falls at once, and rises by a fiftieth")
  func least() {
    var estimates = ServiceEstimates()
    for compute in [100, 200] { estimates.add(warm(UInt64(compute)), for: key(0), now: 0) }
    #expect(estimates.least(key(0)) == 102)
    estimates.add(warm(40), for: key(0), now: 0)
    #expect(estimates.least(key(0)) == 40)
  }

  @Test("of one that never ran the mean of all is expected, and nothing is certain")
  func neverRan() {
    var estimates = ServiceEstimates()
    #expect(estimates.expected(key(0)) == 0)
    estimates.add(warm(100), for: key(0), now: 0)
    estimates.add(warm(200), for: key(1), now: 0)
    #expect(estimates.expected(key(2)) == 120)
    #expect(estimates.mean(key(2)) == 0 && estimates.least(key(2)) == 0)
    #expect(estimates.measured(key(2)) == nil)
  }

  @Test("bytes take as long to come in as they did, a fifth of that being news")
  func loads() {
    var estimates = ServiceEstimates()
    #expect(estimates.swapIn(100) == 0)
    estimates.add(cold(1, swapIn: 5000), for: key(0), now: 0)
    #expect(estimates.swapIn(100) == 500)
    estimates.add(cold(1, swapIn: 10_000), for: key(0), now: 0)
    #expect(estimates.swapIn(100) == 600)
    estimates.add(warm(1), for: key(0), now: 0)
    #expect(estimates.swapIn(100) == 600)
  }

}
