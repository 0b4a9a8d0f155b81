/// Event counts since the start. Arenas are counted in ``peakBytes`` only.
public struct ResidencyCounters: Hashable, Sendable {
  /// The number of extents loaded.
  public var swapIns = 0
  /// The number of extents evicted.
  public var evictions = 0
  /// The bytes of extents loaded.
  public var bytesLoaded = 0
  /// Extents that a reservation found resident or loading.
  public var hits = 0
  /// The most bytes that were ever taken.
  public var peakBytes = 0
}

/// The resident items at one moment.
public struct ResidencySnapshot: Hashable, Sendable {
  /// One item that takes memory.
  public struct Item: Hashable, Sendable {
    /// `damaged` and `failed` ones are forgotten as soon as nobody holds them; a failed one takes no memory.
    public enum State: String, Hashable, Sendable, Codable { case loading, resident, damaged, failed }

    public var id: ItemID
    public var byteCount: Int
    public var state: State
    /// The number of reservations that hold the item.
    public var leases: Int
    public var isPinned: Bool
  }

  public var budget: Int
  /// All that counts against the budget now: items that are resident or loading, and tensors of granted requests.
  public var residentBytes: Int
  /// The share of ``residentBytes`` that are tensors of granted requests.
  public var exclusiveBytes: Int
  /// The most that ``residentBytes`` ever was.
  public var peakBytes: Int
  /// Largest first.
  public var items: [Item]
  /// Owners of the reservations that wait, in the order in which they will be served.
  public var waiting: [String]
  public var counters: ResidencyCounters
}

/// The state that a reservation would find.
public struct ResidencyStanding: Hashable, Sendable {
  /// Bytes of its items that are neither resident nor on their way.
  public var missingBytes: Int
  /// Bytes of the budget that nothing takes.
  public var freeBytes: Int
  /// Bytes that could be had without waiting: free ones, and those of idle items that are not its own.
  public var availableBytes: Int
}

extension ResidencyState {
  /// The current state of residency.
  public var snapshot: ResidencySnapshot {
    let items = entries.values.map { entry in
      ResidencySnapshot.Item(
        id: entry.item.id, byteCount: entry.item.byteCount, state: entry.phase, leases: entry.leases,
        isPinned: entry.isPinned)
    }
    return ResidencySnapshot(
      budget: budget, residentBytes: usedBytes, exclusiveBytes: exclusiveBytes, peakBytes: counters.peakBytes,
      items: items.sorted { ($0.byteCount, $0.id.description) > ($1.byteCount, $1.id.description) },
      waiting: waiting.map(\.owner), counters: counters)
  }
}
