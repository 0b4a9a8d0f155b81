/// Grants memory: reservations, leases and eviction under a hard budget, as a pure state machine.
///
/// Each event returns the actions to carry out, in order. There is no clock, no thread and no device in here;
/// ``Residency`` carries the actions out. Guarantees:
/// - The bytes of items that are resident or loading, and the exclusive bytes of granted reservations, never
///   exceed the budget. This also holds after any prefix of the actions: evictions come before the loads that
///   need their room.
/// - A reservation is granted in one step, or waits and holds nothing. Waiting reservations are served in
///   order of arrival.
/// - An item is loaded once, however many reservations hold it. A leased, pinned or loading item is never
///   evicted.
/// - If an item cannot be loaded from one origin, each other origin that a holder has is tried once.
/// - An item that failed to load from all of them, or turned out to be unreadable, is given to no other
///   reservation. A reservation that needs it waits until all holders have released it, and loads it again.
public struct ResidencyState: Sendable {
  /// The hard upper bound in bytes.
  public let budget: Int
  /// Bytes of items that are resident or loading, and exclusive bytes of granted reservations.
  public private(set) var usedBytes = 0
  /// Exclusive bytes of granted reservations.
  public private(set) var exclusiveBytes = 0
  /// Bytes that could be evicted now.
  private(set) var idleBytes = 0
  /// Bytes that are pinned.
  private(set) var pinnedBytes = 0
  /// Event counts so far.
  public private(set) var counters = ResidencyCounters()

  private(set) var entries: [ItemID: Entry] = [:]
  private(set) var granted: [ReservationID: Reservation] = [:]
  private(set) var waiting: [Reservation] = []
  private var policy = EvictionPolicy()

  /// One item that takes memory, or whose load failed while somebody held it.
  struct Entry: Sendable {
    let item: ResidencyItem
    var phase = ResidencySnapshot.Item.State.loading
    var leases = 0
    var pins = 0
    var value = EvictionPolicy.Value()
    /// The origins from which loading was tried.
    var origins: Set<String> = []

    var usedBytes: Int { phase == .failed ? 0 : item.byteCount }
    var isIdle: Bool { phase == .resident && leases == 0 && pins == 0 }
    var isPinned: Bool { pins > 0 && !isSpoilt }
    /// True when nobody may be given it any more.
    var isSpoilt: Bool { phase == .damaged || phase == .failed }
  }

  /// - Parameter budget: bytes; a negative one is none.
  public init(budget: Int) { self.budget = max(budget, 0) }

  // MARK: Events

  /// Somebody asks for memory. Ends with one grant or one rejection, at once or after a later event.
  /// - Parameter reservation: its ID has not been used before.
  /// - Parameter mayWait: false: it is granted at once, or rejected; it overtakes nobody who waits.
  public mutating func request(_ reservation: Reservation, mayWait: Bool = true) -> [ResidencyAction] {
    if let error = obstacle(to: reservation) { return [.reject(reservation.id, error)] }
    waiting.append(reservation)
    let actions = grantWaiting()
    guard !mayWait, waiting.last?.id == reservation.id else { return actions }
    waiting.removeLast()
    return actions + [.reject(reservation.id, ResidencyError(.noRoomNow(owner: reservation.owner)))]
  }

  /// The item's load is done.
  public mutating func loaded(_ id: ItemID) -> [ResidencyAction] {
    guard let entry = entries[id], entry.phase == .loading else { return [] }
    change(id) { $0.phase = .resident }
    if case .extent = id {
      counters.swapIns += 1
      counters.bytesLoaded += entry.item.byteCount
    }
    return grantWaiting()
  }

  /// The item's load has failed; its memory is free again. When a holder has it from elsewhere, it is loaded from there.
  public mutating func loadFailed(_ id: ItemID) -> [ResidencyAction] {
    guard let entry = entries[id], entry.phase == .loading else { return [] }
    if let (holder, origin) = holder(of: id, notFrom: entry.origins) {
      change(id) { $0.origins.insert(origin) }
      return [.load(id, for: holder)]
    }
    change(id) { $0.phase = .failed }
    return dropIfSpoilt(id) + grantWaiting()
  }

  /// A resident item turned out to be unreadable: it leaves as soon as nobody holds it.
  public mutating func damaged(_ id: ItemID) -> [ResidencyAction] {
    guard entries[id]?.phase == .resident else { return [] }
    change(id) { $0.phase = .damaged }
    return dropIfSpoilt(id) + grantWaiting()
  }

  /// The reservation's holder has released all of it. Does nothing the second time.
  public mutating func release(_ id: ReservationID) -> [ResidencyAction] {
    guard let reservation = granted.removeValue(forKey: id) else { return [] }
    exclusiveBytes -= reservation.exclusiveBytes
    usedBytes -= reservation.exclusiveBytes
    var actions: [ResidencyAction] = []
    for item in reservation.items {
      change(item.id) { $0.leases -= 1 }
      actions += dropIfSpoilt(item.id)
    }
    return actions + grantWaiting()
  }

  /// A reservation that waits is rejected; one that is granted stays until it is released.
  public mutating func cancel(_ id: ReservationID) -> [ResidencyAction] {
    guard let index = waiting.firstIndex(where: { $0.id == id }) else { return [] }
    let reservation = waiting.remove(at: index)
    return [.reject(id, ResidencyError(.cancelled(owner: reservation.owner)))] + grantWaiting()
  }

  /// Keeps the item resident until it is unpinned as often as it was pinned. The caller holds a lease of the
  /// item: an item that is not resident is not pinned. Reservations that can never be granted beside it are
  /// rejected.
  public mutating func pin(_ id: ItemID) -> [ResidencyAction] {
    change(id) { $0.pins += 1 }
    let rejections = waiting.compactMap { reservation in
      obstacle(to: reservation).map { ResidencyAction.reject(reservation.id, $0) }
    }
    waiting = waiting.filter { obstacle(to: $0) == nil }
    return rejections + grantWaiting()
  }

  /// Takes one pin back.
  public mutating func unpin(_ id: ItemID) -> [ResidencyAction] {
    change(id) { $0.pins = max($0.pins - 1, 0) }
    return grantWaiting()
  }

  /// Evicts every item that is neither leased nor pinned. Items that are loading stay.
  /// - Parameter isChosen: selects the items to evict among those that may be evicted.
  public mutating func evictIdle(where isChosen: (ItemID) -> Bool = { _ in true }) -> [ResidencyAction] {
    let idle = entries.values.filter { $0.isIdle && isChosen($0.item.id) }.sorted { $0.value < $1.value }
    return idle.map { evict($0.item.id) }
  }

  // MARK: Looking ahead

  /// Returns the standing for a reservation of these items.
  public func standing(of items: [ResidencyItem]) -> ResidencyStanding {
    let free = budget - usedBytes
    var standing = ResidencyStanding(missingBytes: 0, freeBytes: free, availableBytes: free + idleBytes)
    for item in items {
      guard let entry = entries[item.id], !entry.isSpoilt else {
        standing.missingBytes = standing.missingBytes.adding(saturating: item.byteCount)
        continue
      }
      if entry.isIdle { standing.availableBytes -= item.byteCount }
    }
    return standing
  }

  // MARK: Granting

  /// Why the reservation can never be granted as things are; `nil` when it is a matter of waiting.
  private func obstacle(to reservation: Reservation) -> ResidencyError? {
    guard let needed = reservation.neededBytes else {
      return ResidencyError(.invalidSize(owner: reservation.owner))
    }
    var pinnedByOthers = pinnedBytes
    for case let entry? in reservation.items.map({ entries[$0.id] }) where entry.isPinned {
      pinnedByOthers -= entry.item.byteCount
    }
    guard needed <= budget - pinnedByOthers else {
      return ResidencyError(
        .doesNotFit(owner: reservation.owner, needed: needed, budget: budget, pinned: pinnedByOthers))
    }
    return nil
  }

  /// Grants from the head of the queue as long as the head fits.
  private mutating func grantWaiting() -> [ResidencyAction] {
    var actions: [ResidencyAction] = []
    while let head = waiting.first {
      if let error = mismatch(of: head) {
        actions.append(.reject(head.id, error))
      } else if let grant = grant(head) {
        actions += grant
      } else {
        return actions
      }
      waiting.removeFirst()
    }
    return actions
  }

  /// Equal hashes with unequal sizes: a damaged index, or a caller's mistake.
  private func mismatch(of reservation: Reservation) -> ResidencyError? {
    for item in reservation.items {
      guard let resident = entries[item.id]?.item.byteCount, resident != item.byteCount else { continue }
      return ResidencyError(
        .sizeMismatch(owner: reservation.owner, item.id, asked: item.byteCount, resident: resident))
    }
    return nil
  }

  /// Takes all that the reservation needs; `nil` when it has to wait.
  private mutating func grant(_ reservation: Reservation) -> [ResidencyAction]? {
    var missingBytes = reservation.exclusiveBytes
    var evictableBytes = idleBytes
    for item in reservation.items {
      guard let entry = entries[item.id] else {
        missingBytes += item.byteCount
        continue
      }
      if entry.isSpoilt { return nil }
      if entry.isIdle { evictableBytes -= item.byteCount }
    }
    let short = missingBytes - (budget - usedBytes)
    guard short <= evictableBytes else { return nil }
    var actions = short > 0 ? makeRoom(short, for: reservation) : []
    for item in reservation.items {
      if entries[item.id] == nil {
        insert(item)
        actions.append(.load(item.id, for: reservation.id))
      } else if case .extent = item.id {
        counters.hits += 1
      }
    }
    lease(reservation)
    return actions + [.grant(reservation.id)]
  }

  private mutating func makeRoom(_ bytes: Int, for reservation: Reservation) -> [ResidencyAction] {
    let wanted = Set(reservation.items.map(\.id))
    let candidates = entries.values.filter { $0.isIdle && !wanted.contains($0.item.id) }
    let victims = policy.victims(freeing: bytes, among: candidates.map { ($0.item, $0.value) })
    return victims.map { evict($0) }
  }

  /// The first items of a reservation count as used last: among equals its tail is evicted, whose loads the kernels of
  /// its head can hide.
  private mutating func lease(_ reservation: Reservation) {
    for item in reservation.items.reversed() {
      guard let entry = entries[item.id] else { continue }
      let value = policy.used(entry.item, entry.value)
      change(item.id) {
        $0.leases += 1
        $0.value = value
      }
    }
    exclusiveBytes += reservation.exclusiveBytes
    usedBytes += reservation.exclusiveBytes
    counters.peakBytes = max(counters.peakBytes, usedBytes)
    granted[reservation.id] = reservation
  }

  // MARK: Entries, and the sums over them

  private mutating func insert(_ item: ResidencyItem) {
    let entry = Entry(item: item, origins: [item.origin])
    entries[item.id] = entry
    count(entry, 1)
  }

  private mutating func evict(_ id: ItemID) -> ResidencyAction {
    if let entry = entries.removeValue(forKey: id) {
      count(entry, -1)
      if case .extent = id, entry.phase != .failed { counters.evictions += 1 }
    }
    return .evict(id)
  }

  /// The first reservation that holds the item and has it from none of `origins`.
  private func holder(of id: ItemID, notFrom origins: Set<String>) -> (ReservationID, origin: String)? {
    for (reservation, held) in granted.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      let origin = held.items.first { $0.id == id }?.origin
      if let origin, !origins.contains(origin) { return (reservation, origin) }
    }
    return nil
  }

  private mutating func dropIfSpoilt(_ id: ItemID) -> [ResidencyAction] {
    guard let entry = entries[id], entry.isSpoilt, entry.leases == 0 else { return [] }
    return [evict(id)]
  }

  private mutating func change(_ id: ItemID, _ body: (inout Entry) -> Void) {
    guard var entry = entries[id] else { return }
    count(entry, -1)
    body(&entry)
    count(entry, 1)
    entries[id] = entry
  }

  private mutating func count(_ entry: Entry, _ sign: Int) {
    usedBytes += sign * entry.usedBytes
    idleBytes += entry.isIdle ? sign * entry.item.byteCount : 0
    pinnedBytes += entry.isPinned ? sign * entry.item.byteCount : 0
  }
}
