import Device

extension Residency {
  /// The state that the lock protects.
  struct Core: Sendable {
    var machine: ResidencyState
    /// The items that are loading or resident, or that failed while a reservation holds them.
    var records: [ItemID: Record] = [:]
    /// Reservations without an answer.
    var pending: [ReservationID: PendingReservation] = [:]
    /// The sources of items for waiting and granted reservations.
    var sources: [ReservationID: [ItemID: ItemRequest.Source]] = [:]
    var nextReservation: UInt64 = 0
    /// Decided and not yet carried out.
    var queue: [Effect] = []
    var isCarryingOut = false
    /// The bytes counted against the budget, as carried out so far. Changed by the thread that carries out
    /// actions.
    var carriedBytes = 0
    var observer: (@Sendable (ResidencyEvent) -> Void)?
  }

  struct Record: Sendable {
    let ticket = LoadTicket()
    let byteCount: Int
    var handle: MemoryHandle?
  }

  struct PendingReservation: Sendable {
    let reservation: Reservation
    let onGrant: @Sendable (Result<Lease, any Error>) -> Void
  }

  /// A decision with all that is needed to carry it out, or to tell of what has happened.
  enum Effect: Sendable {
    case load(ItemID, byteCount: Int, ItemRequest.Source)
    case loadFinished(ItemID, byteCount: Int, microseconds: Double, fromStorage: Bool)
    case loadFailed(ItemID, byteCount: Int)
    case giveBack(ItemID, byteCount: Int, MemoryHandle)
    case grant(PendingReservation, Lease)
    case reject(PendingReservation, any Error)
    case released(Reservation)
  }

  /// Lets the state machine take an event, and carries out what it decides.
  func decide(_ event: (inout Core) -> [ResidencyAction]) {
    core.withLock { core in enqueue(event(&core), in: &core) }
    carryOut()
  }

  private func enqueue(_ actions: [ResidencyAction], in core: inout Core) {
    for action in actions { enqueue(action, in: &core) }
  }

  private func enqueue(_ action: ResidencyAction, in core: inout Core) {
    switch action {
    case .evict(let id):
      guard let record = core.records.removeValue(forKey: id), let handle = record.handle else { return }
      core.queue.append(.giveBack(id, byteCount: record.byteCount, handle))
    case .load(let id, let reservation):
      guard let source = core.sources[reservation]?[id], let item = core.machine.entries[id]?.item else {
        return
      }
      // An item reloaded from another origin has a record: its waiters continue to wait.
      let record = core.records[id] ?? Record(byteCount: item.byteCount)
      record.ticket.reservation = reservation
      core.records[id] = record
      core.queue.append(.load(id, byteCount: item.byteCount, source))
    case .grant(let id):
      guard let pending = core.pending.removeValue(forKey: id) else { return }
      var tickets: [ItemID: LoadTicket] = [:]
      for item in pending.reservation.items { tickets[item.id] = core.records[item.id]?.ticket }
      let lease = Lease(owner: pending.reservation.owner, id: id, tickets: tickets, of: self)
      core.queue.append(.grant(pending, lease))
    case .reject(let id, let error):
      core.sources[id] = nil
      guard let pending = core.pending.removeValue(forKey: id) else { return }
      core.queue.append(.reject(pending, error.kind == .cancelled ? CancellationError() : error))
    }
  }

  /// Carries out what is queued, in order, unless another thread is at it, which then does this too.
  private func carryOut() {
    guard
      core.withLock({ core in
        defer { core.isCarryingOut = true }
        return !core.isCarryingOut
      })
    else { return }
    while true {
      let (effects, observer) = core.withLock { core in
        core.isCarryingOut = !core.queue.isEmpty
        defer { core.queue = [] }
        return (core.queue, core.observer)
      }
      if effects.isEmpty { return }
      for effect in effects { perform(effect, observer) }
    }
  }

  private func perform(_ effect: Effect, _ observer: (@Sendable (ResidencyEvent) -> Void)?) {
    func tell(_ change: ResidencyEvent.Change, _ delta: Int = 0) {
      let bytes = core.withLock { core in
        core.carriedBytes += delta
        return core.carriedBytes
      }
      observer?(ResidencyEvent(change: change, residentBytes: bytes))
    }
    switch effect {
    case .load(let id, let byteCount, .load(let request)):
      tell(.loadStarted(id, byteCount: byteCount, way: request.way), byteCount)
      let start = ContinuousClock.now
      device.load(request) { [self] in ended(id, byteCount: byteCount, since: start, $0) }
    case .load(let id, let byteCount, .allocate):
      tell(.loadStarted(id, byteCount: byteCount, way: nil), byteCount)
      let start = ContinuousClock.now
      allocations.async { [self] in
        ended(id, byteCount: byteCount, since: start, Result { try device.allocate(byteCount: byteCount) })
      }
    case .loadFinished(let id, let byteCount, let microseconds, let fromStorage):
      tell(
        .loadFinished(id, byteCount: byteCount, microseconds: microseconds, fromStorage: fromStorage))
    case .loadFailed(let id, let byteCount):
      tell(.loadFailed(id, byteCount: byteCount), -byteCount)
    case .giveBack(let id, let byteCount, let handle):
      device.release(handle)
      tell(.evicted(id, byteCount: byteCount), -byteCount)
    case .grant(let pending, let lease):
      let reservation = pending.reservation
      tell(
        .granted(owner: reservation.owner, exclusiveBytes: reservation.exclusiveBytes),
        reservation.exclusiveBytes)
      pending.onGrant(.success(lease))
    case .reject(let pending, let error): pending.onGrant(.failure(error))
    case .released(let reservation):
      tell(
        .released(owner: reservation.owner, exclusiveBytes: reservation.exclusiveBytes),
        -reservation.exclusiveBytes)
    }
  }

  /// A load has ended: on a thread of the device's, or that of the allocations.
  private func ended(
    _ id: ItemID, byteCount: Int, since start: ContinuousClock.Instant,
    _ result: Result<MemoryHandle, any Error>
  ) {
    let microseconds = (ContinuousClock.now - start) / .microseconds(1)
    let fromStorage = (try? result.get()).map { device.cameFromStorage($0) } ?? false
    let ticket: LoadTicket? = core.withLock { core in
      let ticket = core.records[id]?.ticket
      switch result {
      case .success(let handle):
        core.records[id]?.handle = handle
        core.queue.append(
          .loadFinished(id, byteCount: byteCount, microseconds: microseconds, fromStorage: fromStorage))
        enqueue(core.machine.loaded(id), in: &core)
      case .failure:
        core.queue.append(.loadFailed(id, byteCount: byteCount))
        enqueue(core.machine.loadFailed(id), in: &core)
        let goesOn = core.machine.entries[id]?.phase == .loading && core.records[id]?.ticket === ticket
        if goesOn { return nil }
      }
      return ticket
    }
    // Those who wait go on before anything else is carried out. They hold leases, so the memory stays.
    ticket?.resolve(result)
    carryOut()
  }
}
