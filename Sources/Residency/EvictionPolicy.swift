/// Selects the idle item of least value: GreedyDual-Size-Frequency.
///
/// An item's value is `L + frequency · reloadCost / bytes`, fixed when it is leased. The item of the least
/// value is evicted first, and `L` becomes its value. So items that are used often, or are expensive to
/// reload for their size, stay resident. `L` eventually overtakes items that have not been used for long,
/// whatever they were worth once. `L` is the only clock.
///
/// Chosen over least recently used because items differ by orders of magnitude in size and in reload cost per
/// byte (a mapping from the page cache, or a read from disk). P. Cao and S. Irani, *Cost-Aware WWW Proxy
/// Caching Algorithms*, USITS 1997 (GreedyDual-Size, never worse than k times the best possible); L.
/// Cherkasova, *Improving WWW Proxies Performance with Greedy-Dual-Size-Frequency Caching Policy*,
/// HPL-98-69R1, 1998.
struct EvictionPolicy: Sendable {
  /// The value of an item, as of its last lease.
  struct Value: Sendable, Comparable {
    var worth = 0.0
    /// A number that grows with each lease: among equals the one used longest ago goes first.
    var lastUse: UInt64 = 0
    /// The number of leases since it was loaded.
    var frequency = 0.0

    static func < (a: Value, b: Value) -> Bool { (a.worth, a.lastUse) < (b.worth, b.lastUse) }
  }

  /// `L`: the value of the dearest item that was ever evicted.
  private(set) var inflation = 0.0
  private var uses: UInt64 = 0

  /// The value of an item that is leased now, before which it had `value`.
  mutating func used(_ item: ResidencyItem, _ value: Value = Value()) -> Value {
    uses += 1
    let frequency = value.frequency + 1
    let worth = inflation + frequency * item.reloadCost / Double(max(item.byteCount, 1))
    return Value(worth: worth, lastUse: uses, frequency: frequency)
  }

  /// Chooses what to evict so that at least `bytes` become free.
  ///
  /// From the least value up; then those that were not needed after all are spared, the dearest first.
  /// - Parameter candidates: items that may go, with at least `bytes` in sum.
  mutating func victims(freeing bytes: Int, among candidates: [(item: ResidencyItem, value: Value)])
    -> [ItemID]
  {
    var chosen: [(item: ResidencyItem, value: Value)] = []
    var freed = 0
    for candidate in candidates.sorted(by: { $0.value < $1.value }) {
      guard freed < bytes else { break }
      chosen.append(candidate)
      freed += candidate.item.byteCount
    }
    var spared = Set<ItemID>()
    for candidate in chosen.reversed() where freed - candidate.item.byteCount >= bytes {
      spared.insert(candidate.item.id)
      freed -= candidate.item.byteCount
    }
    let victims = chosen.filter { !spared.contains($0.item.id) }
    inflation = victims.reduce(inflation) { max($0, $1.value.worth) }
    return victims.map(\.item.id)
  }
}
