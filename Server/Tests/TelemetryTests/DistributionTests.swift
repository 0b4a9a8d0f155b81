import Telemetry
import Testing

/// Histograms, and percentiles out of them.
@Suite(.timeLimit(.minutes(5))) struct DistributionTests {
  @Test func aValueCountsInTheFirstBucketThatHoldsIt() {
    var distribution = Distribution(bounds: [1, 2, 4])
    for value in [0.5, 1, 1.5, 4, 9] { distribution.add(value) }
    #expect(distribution.counts == [2, 1, 1, 1])
    #expect(distribution.sum == 16)
    #expect(distribution.cumulative([1, 4]) == [2, 4])
  }

  @Test func whatIsNoNumberIsLeftOut() {
    var distribution = Distribution(bounds: [1])
    for value in [Double.nan, .infinity, -.infinity] { distribution.add(value) }
    #expect(distribution.count == 0)
    #expect(distribution.quantile(0.5) == nil)
  }

  @Test(arguments: [0.5, 0.9, 0.99])
  func percentilesAreRightWithinAnEighth(share: Double) throws {
    var distribution = Distribution(bounds: Distribution.fineSeconds)
    // From 1 ms to 1 s, evenly.
    for step in 1...1000 { distribution.add(Double(step) / 1000) }
    let quantile = try #require(distribution.quantile(share))
    #expect(abs(quantile - share) / share < 0.125)
  }

  @Test func coarseBoundsAreAmongTheFineOnes() {
    #expect(Set(Distribution.coarseSeconds).isSubset(of: Distribution.fineSeconds))
    #expect(Distribution.fineSeconds == Distribution.fineSeconds.sorted())
  }

  @Test func labelsBeyondTheLimitCountTogether() {
    var counts = LabelledCounts(limit: 2, rest: "others")
    for label in ["a", "b", "c", "d", "a"] { counts.add(label) }
    #expect(counts.counts == ["a": 2, "b": 1, "others": 2])
  }
}
