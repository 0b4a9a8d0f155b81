import Synchronization

/// A granted reservation: all its items are there or on their way, and stay until the lease is released.
public final class Lease: Sendable {
  /// The model's name.
  public let owner: String
  private let residency: Residency
  private let id: ReservationID
  private let tickets: [ItemID: LoadTicket]
  private let isReleased = Atomic<Bool>(false)

  init(owner: String, id: ReservationID, tickets: [ItemID: LoadTicket], of residency: Residency) {
    self.owner = owner
    self.id = id
    self.tickets = tickets
    self.residency = residency
  }

  /// Says when and where the item is there. One that was not reserved has a ticket whose wait throws.
  public func ticket(for id: ItemID) -> LoadTicket {
    tickets[id] ?? LoadTicket(failure: ResidencyError(.notReserved(id, owner: owner)))
  }

  /// True if the item was neither resident nor being loaded for another, and so was loaded for this lease.
  public func hasBroughtIn(_ id: ItemID) -> Bool { tickets[id]?.reservation == self.id }

  /// Gives everything back: nothing of it is used any more. Does nothing the second time.
  public func release() {
    if !isReleased.exchange(true, ordering: .acquiringAndReleasing) { residency.release(id) }
  }

  deinit { release() }
}
