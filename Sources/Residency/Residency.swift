import Device
import Dispatch

/// Loads and evicts weights under a hard byte budget: carries out the actions of ``ResidencyState``.
///
/// Guarded by a lock, and no actor: lanes are threads, and one that has run a member's last kernel must give its lease
/// back, and so let the next member in, before it takes up other work. A hop to an actor would leave that to whenever
/// the cooperative pool has a thread, and would make every caller asynchronous.
///
/// The lock covers decisions alone. Actions go into one queue in the order in which they were decided, and one thread
/// at a time (whichever came first) carries them out with no lock held: so memory is given back before the load that
/// was granted its room begins, whoever asked, and callbacks may call anything here.
public final class Residency: Sendable {
  public let budget: Int
  let device: any Device
  let core: Locked<Core>
  /// The queue on which arenas are allocated: their pages take a while to become present.
  let allocations = DispatchQueue(label: "fusedinf.residency.allocations")

  /// - Parameter budget: bytes; see ``ResidencyState/budget``.
  public init(device: any Device, budget: Int) {
    self.device = device
    let machine = ResidencyState(budget: budget)
    self.budget = machine.budget
    core = Locked(Core(machine: machine))
  }

  deinit {
    for case let handle? in core.withLock({ $0.records.values.map(\.handle) }) { device.release(handle) }
  }

  // MARK: Reservations

  /// Asks for all of `items` and for `exclusiveBytes` of memory that nobody shares, in one step.
  /// - Parameters:
  ///   - owner: the model's name, for messages.
  ///   - items: in the order in which they are to be loaded.
  ///   - onGrant: called once, on any thread, possibly before this returns; must be quick, and may call anything here.
  ///     Fails with ``ResidencyError`` when it does not fit the budget, with `CancellationError` when it was cancelled.
  ///     Loads that fail do so through the lease's tickets.
  ///   - mayWait: false: it is granted at once, overtaking nobody, or fails with ``ResidencyError`` of kind `noRoomNow`.
  @discardableResult
  public func reserve(
    owner: String, items: [ItemRequest], exclusiveBytes: Int, mayWait: Bool = true,
    onGrant: @escaping @Sendable (Result<Lease, any Error>) -> Void
  ) -> ReservationID {
    let id = makeReservationID()
    reserve(
      id, owner: owner, items: items, exclusiveBytes: exclusiveBytes, mayWait: mayWait, onGrant: onGrant)
    return id
  }

  /// Asks for all of `items` and for `exclusiveBytes` of memory, and waits until they are granted.
  /// - Throws: ``ResidencyError``; `CancellationError` when the task is cancelled, which holds nothing then.
  public func reserve(owner: String, items: [ItemRequest], exclusiveBytes: Int) async throws -> Lease {
    let id = makeReservationID()
    let lease = try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        reserve(id, owner: owner, items: items, exclusiveBytes: exclusiveBytes) {
          continuation.resume(with: $0)
        }
        // The handler below may have run before there was anything to cancel.
        if Task.isCancelled { cancel(id) }
      }
    } onCancel: {
      cancel(id)
    }
    // Cancelled after the grant: the lease is dropped here, which releases it.
    try Task.checkCancellation()
    return lease
  }

  /// Withdraws a reservation that waits; one that is granted stays until its lease is released.
  public func cancel(_ id: ReservationID) { decide { $0.machine.cancel(id) } }

  private func makeReservationID() -> ReservationID {
    core.withLock { core in
      core.nextReservation += 1
      return ReservationID(rawValue: core.nextReservation)
    }
  }

  private func reserve(
    _ id: ReservationID, owner: String, items: [ItemRequest], exclusiveBytes: Int, mayWait: Bool = true,
    onGrant: @escaping @Sendable (Result<Lease, any Error>) -> Void
  ) {
    let reservation = Reservation(
      id: id, owner: owner, items: items.map(\.item), exclusiveBytes: exclusiveBytes)
    let sources = Dictionary(items.map { ($0.item.id, $0.source) }, uniquingKeysWith: { first, _ in first })
    decide { core in
      core.pending[id] = PendingReservation(reservation: reservation, onGrant: onGrant)
      core.sources[id] = sources
      return core.machine.request(reservation, mayWait: mayWait)
    }
  }

  func release(_ id: ReservationID) {
    decide { core in
      if let reservation = core.machine.granted[id] {
        core.queue.append(.released(reservation))
      }
      core.sources[id] = nil
      return core.machine.release(id)
    }
  }

  // MARK: Pinning and eviction

  /// Throws out all that is neither leased nor pinned.
  public func evictIdle() { decide { $0.machine.evictIdle() } }

  /// Throws out all weights that are neither leased nor pinned. Arenas stay, for the next run of their programs.
  public func evictIdleExtents() {
    decide { core in
      core.machine.evictIdle { id in if case .extent = id { true } else { false } }
    }
  }

  /// Throws out those of `ids` that are neither leased nor pinned.
  public func evictIdle(_ ids: [ItemID]) {
    let chosen = Set(ids)
    decide { core in core.machine.evictIdle { chosen.contains($0) } }
  }

  /// Returns the current standing for a reservation of `items`, no two of which are equal.
  public func standing(of items: [ResidencyItem]) -> ResidencyStanding {
    core.withLock { $0.machine.standing(of: items) }
  }

  /// Keeps an item resident until it is unpinned as often as it was pinned. Hold a lease of it meanwhile: what is not
  /// there is not pinned.
  public func pin(_ id: ItemID) { decide { $0.machine.pin(id) } }

  /// Takes one pin back.
  public func unpin(_ id: ItemID) { decide { $0.machine.unpin(id) } }

  /// The item's memory turned out to be unreadable (``Device/isIntact(_:)``): it leaves when nobody holds it, and is
  /// given to nobody else. Hold a lease of it meanwhile.
  public func markDamaged(_ id: ItemID) { decide { $0.machine.damaged(id) } }

  /// The current state of residency.
  public var snapshot: ResidencySnapshot { core.withLock { $0.machine.snapshot } }

  /// Called at each change, in their order, on any thread, with no lock held; must be quick.
  public var onChange: (@Sendable (ResidencyEvent) -> Void)? {
    get { core.withLock { $0.observer } }
    set { core.withLock { $0.observer = newValue } }
  }
}
