import Device
import Residency
import Testing

/// A state machine whose promises are checked after each event.
struct Timeline {
  private(set) var state: ResidencyState

  /// - Parameter pages: the budget.
  init(pages: Int) { state = ResidencyState(budget: pages * pageSize) }

  /// Lets one event happen.
  /// - Returns: what is to be done after it.
  mutating func after(
    _ event: (inout ResidencyState) -> [ResidencyAction], sourceLocation: SourceLocation = #_sourceLocation
  ) -> [ResidencyAction] {
    let actions = event(&state)
    #expect(state.checkInvariants() == [], sourceLocation: sourceLocation)
    return actions
  }

  /// A reservation asks, is granted at once, and its loads are done.
  mutating func hold(_ reservation: Reservation, sourceLocation: SourceLocation = #_sourceLocation) {
    let actions = after({ $0.request(reservation) }, sourceLocation: sourceLocation)
    #expect(actions.last == .grant(reservation.id), sourceLocation: sourceLocation)
    for case .load(let id, _) in actions {
      #expect(after({ $0.loaded(id) }, sourceLocation: sourceLocation) == [], sourceLocation: sourceLocation)
    }
  }

  /// The same, and everything is given back: its items are resident and idle.
  mutating func visit(_ reservation: Reservation, sourceLocation: SourceLocation = #_sourceLocation) {
    hold(reservation, sourceLocation: sourceLocation)
    _ = after({ $0.release(reservation.id) }, sourceLocation: sourceLocation)
  }
}

/// An extent of so many pages. The cost of bringing it back is in µs a page.
func extent(_ name: String, pages: Int = 1, cost: Double = 1, from origin: String = "") -> ResidencyItem {
  ResidencyItem(
    id: .extent(name), byteCount: pages * pageSize, reloadCost: cost * Double(pages), origin: origin)
}

func reservation(_ number: UInt64, _ items: [ResidencyItem], exclusiveBytes: Int = 0) -> Reservation {
  Reservation(
    id: ReservationID(rawValue: number), owner: "model \(number)", items: items,
    exclusiveBytes: exclusiveBytes)
}

extension ResidencyAction {
  static func load(_ name: String, for number: UInt64) -> ResidencyAction {
    .load(.extent(name), for: ReservationID(rawValue: number))
  }
  static func evict(_ name: String) -> ResidencyAction { .evict(.extent(name)) }
  static func grant(_ number: UInt64) -> ResidencyAction { .grant(ReservationID(rawValue: number)) }
}
