import Residency
import Testing

import Scheduler

/// Requests determine sizes, and one that is refused later may have stated any.
@Suite("Sizes whose sums fit no Int: decisions")
struct HugeRequestTests {
  private static let huge = Int.max / 4 * 3

  // lane  |A===|
  // lane  |B===|      dispatched together; C waits until there is room
  @Test("members of a bundle that take more than an Int together are dispatched, and the next request waits")
  func bundle() {
    var day = Timeline(lanes: 3) { $0.minimumResidency = 100_000_000 }
    day.place("ABC")
    day.submit("A", bundle: 1, extraBytes: Self.huge, decides: false)
    day.submit("B", bundle: 1, extraBytes: Self.huge, decides: false)
    day.submit("C", extraBytes: 1)
    #expect(day.log == ["A", "B"])
    day.finish()
    #expect(day.log == ["A", "B", "C"])
  }

  // lane  |A===|
  // lane       |B===|      B's weights and tensors together fit no Int
  @Test("a request whose weights and tensors exceed an Int together waits until nothing else runs")
  func weightsAndTensors() {
    var day = Timeline(lanes: 2, sizes: ["B": .max / 2]) { $0.minimumResidency = 100_000_000 }
    day.place("A")
    day.submit("A")
    day.submit("B", extraBytes: Self.huge)
    #expect(day.log == ["A"])
    day.end("A")
    #expect(day.log == ["A", "B"])
  }

  // lane  |A==|B==|B==|      not as one batch
  @Test("requests that exceed an Int together are no batch")
  func batch() {
    var day = Timeline {
      $0.maxBatch = 8
      $0.minimumResidency = 100_000_000
    }
    day.place("AB")
    day.submit("A")
    day.submit("B", isBatchable: true, extraBytes: Self.huge)
    day.submit("B", isBatchable: true, extraBytes: Self.huge)
    day.end("A")
    day.makePlans()
    day.finish()
    #expect(day.log == ["A", "B", "B"])
  }

  @Test("a model whose runs fit no budget keeps nobody from being pinned")
  func pins() throws {
    var pins = PinLedger()
    let weights = { (name: String, bytes: Int) in
      [ResidencyItem(id: .extent(name), byteCount: bytes, reloadCost: 1)]
    }
    let needs: [ModelID: PinLedger.Need] = [
      ModelID(rawValue: 1): PinLedger.Need(items: weights("a", .max / 2), extraBytes: Self.huge)
    ]
    let step = try pins.add(
      ModelID(rawValue: 2), named: "b", weights("b", 4096), beside: needs, budget: 1 << 20)
    #expect(step == .load(1, unpinning: []))
  }
}
