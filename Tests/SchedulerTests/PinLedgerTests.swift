import Residency
import Testing

import Scheduler

@Suite("What may be pinned")
struct PinLedgerTests {
  private static let page = 4096
  private let old = ModelID(rawValue: 1)
  private let new = ModelID(rawValue: 2)
  private let other = ModelID(rawValue: 3)

  private func weights(_ name: String, _ pages: Int) -> [ResidencyItem] {
    [ResidencyItem(id: .extent(name), byteCount: pages * Self.page, reloadCost: 1)]
  }

  /// The ledger of a budget of 100 pages, and what it said, in order.
  private struct Ledger {
    var ledger = PinLedger()
    var needs: [ModelID: PinLedger.Need] = [:]
    var log: [PinLedger.Step?] = []

    /// Notes `nil` where the pin is refused.
    mutating func add(_ id: ModelID, _ items: [ResidencyItem], replacing: Set<ModelID> = []) {
      log.append(
        try? ledger.add(
          id, named: "m", items, beside: needs, replacing: replacing, budget: 100 * PinLedgerTests.page))
    }

    mutating func complete(_ id: ModelID, _ number: UInt64) -> Bool { ledger.complete(id, number) }
  }

  @Test(
    "whoever pins a model that is being brought in waits for the same load; afterwards there is nothing to do"
  )
  func secondPin() {
    var pins = Ledger()
    pins.add(old, weights("a", 50))
    pins.add(old, weights("a", 50))
    let isComplete = pins.complete(old, 1)
    pins.add(old, weights("a", 50))
    #expect(isComplete)
    #expect(pins.log == [.load(1, unpinning: []), .wait(1), .done])
  }

  @Test("a pin that was taken back meanwhile is not completed or removed by those who knew the earlier one")
  func stalePin() {
    var pins = Ledger()
    pins.add(old, weights("a", 50))
    #expect(pins.ledger.remove(old, 1).isEmpty)
    pins.add(old, weights("a", 50))
    let isStale = pins.complete(old, 1)
    #expect(!isStale)
    #expect(pins.ledger.remove(old, 1).isEmpty)
    let isComplete = pins.complete(old, 2)
    #expect(isComplete)
    pins.add(old, weights("a", 50))
    #expect(pins.log == [.load(1, unpinning: []), .load(2, unpinning: []), .done])
    #expect(pins.ledger.remove(old, 1).isEmpty)
    #expect(pins.ledger.remove(old, 2) == weights("a", 50))
  }

  @Test("what never fits the budget keeps nobody from being pinned")
  func neverFits() {
    var pins = Ledger()
    pins.needs[other] = PinLedger.Need(items: weights("c", 10), extraBytes: 91 * Self.page)
    pins.add(old, weights("a", 5))
    pins.needs[other] = PinLedger.Need(items: weights("c", 10), extraBytes: 90 * Self.page)
    pins.add(new, weights("b", 5))
    #expect(pins.log == [.load(1, unpinning: []), nil])
  }

  @Test("a version of the same size takes over the pin of the one before it, whatever others took meanwhile")
  func sameSize() {
    var pins = Ledger()
    pins.add(old, weights("a", 5))
    let isComplete = pins.complete(old, 1)
    pins.needs[other] = PinLedger.Need(items: weights("c", 10), extraBytes: 90 * Self.page)
    pins.add(new, weights("b", 6), replacing: [old])
    pins.add(new, weights("b", 5), replacing: [old])
    #expect(isComplete && pins.log == [.load(1, unpinning: []), nil, .load(2, unpinning: weights("a", 5))])
  }

  @Test("a version takes over the pin of the one before it where both do not fit; not that of another model")
  func takesOver() {
    var pins = Ledger()
    pins.needs[old] = PinLedger.Need(items: weights("a", 60), extraBytes: 0)
    pins.add(old, weights("a", 60))
    let isOldComplete = pins.complete(old, 1)
    pins.needs[new] = PinLedger.Need(items: weights("b", 60), extraBytes: 0)
    pins.add(new, weights("b", 60))
    pins.add(new, weights("b", 60), replacing: [old])
    let isNewComplete = pins.complete(new, 2)
    pins.needs = [:]
    pins.add(other, weights("c", 50))
    let released = pins.ledger.remove(new)
    pins.add(other, weights("c", 50))
    #expect(isOldComplete && isNewComplete)
    #expect(released == weights("b", 60))
    #expect(
      pins.log == [
        .load(1, unpinning: []), nil, .load(2, unpinning: weights("a", 60)), nil, .load(3, unpinning: []),
      ])
  }

  @Test("a pin that fits beside the one before it leaves that alone; one that never fits changes nothing")
  func leavesAlone() {
    var pins = Ledger()
    pins.add(old, weights("a", 40))
    _ = pins.complete(old, 1)
    pins.add(new, weights("b", 101), replacing: [old])
    pins.add(new, weights("b", 40), replacing: [old])
    let released = pins.ledger.remove(old)
    #expect(released == weights("a", 40))
    #expect(pins.log == [.load(1, unpinning: []), nil, .load(2, unpinning: [])])
  }
}
