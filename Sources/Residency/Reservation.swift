import Device

/// Names what takes memory under the budget.
public enum ItemID: Hashable, Sendable, CustomStringConvertible {
  /// An extent, by the hash of its bytes in hexadecimal: equal extents of several models are one item.
  case extent(String)
  /// Anonymous memory: activations and scratchpads of one fused program.
  case arena(UInt64)

  /// Sixteen digits of a hash tell extents apart, and each run of a member looks its own up some ten times.
  public func hash(into hasher: inout Hasher) {
    switch self {
    case .extent(let hash):
      var digits: (UInt64, UInt64) = (0, 0)
      // At most as many bytes are copied as the two numbers have.
      withUnsafeMutableBytes(of: &digits) { $0.copyBytes(from: hash.utf8.prefix(16)) }
      hasher.combine(digits.0 ^ digits.1.byteSwapped)
    case .arena(let number): hasher.combine(number)
    }
  }

  public var description: String {
    switch self {
    case .extent(let hash): "extent \(hash.prefix(12))"
    case .arena(let number): "arena \(number)"
    }
  }
}

/// An item that a reservation needs to be resident.
public struct ResidencyItem: Hashable, Sendable {
  public let id: ItemID
  /// Bytes in whole pages.
  public let byteCount: Int
  /// The approximate cost of reloading the item once it is evicted, in µs.
  public let reloadCost: Double
  /// The source of this reservation's bytes: an open file's identity. Other reservations may have equal bytes
  /// from another origin; if loading from one origin fails, the next is tried. It is not a path: a
  /// reservation made later may have opened an intact file that replaced a damaged one.
  public let origin: String

  /// - Parameter byteCount: rounded up to whole pages.
  public init(id: ItemID, byteCount: Int, reloadCost: Double, origin: String = "") {
    self.id = id
    self.origin = origin
    self.byteCount = roundedToPages(byteCount)
    self.reloadCost = reloadCost.isFinite ? max(reloadCost, 0) : 0
  }
}

/// Names a reservation.
public struct ReservationID: Hashable, Sendable {
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// All that one member needs, asked for in one step.
public struct Reservation: Hashable, Sendable {
  public let id: ReservationID
  /// The model's name, for messages.
  public let owner: String
  /// Without duplicates, in the order in which they are to be loaded.
  public let items: [ResidencyItem]
  /// Bytes that nobody shares: the tensors of the request.
  public let exclusiveBytes: Int

  /// - Parameter items: in the order in which they are to be loaded; what comes twice counts once.
  public init(id: ReservationID, owner: String, items: [ResidencyItem], exclusiveBytes: Int) {
    self.id = id
    self.owner = owner
    var seen = Set<ItemID>()
    self.items = items.filter { seen.insert($0.id).inserted }
    self.exclusiveBytes = exclusiveBytes
  }

  /// The sum of all that is needed; `nil` when a size is negative or the sum fits no `Int` in whole pages.
  var neededBytes: Int? {
    var sum = 0
    for bytes in items.map(\.byteCount) + [exclusiveBytes] {
      let (next, overflow) = sum.addingReportingOverflow(bytes)
      guard bytes >= 0, !overflow, next <= .max - pageSize else { return nil }
      sum = next
    }
    return sum
  }
}

/// An action to carry out after an event, in the order given.
public enum ResidencyAction: Hashable, Sendable {
  /// Give the item's memory back, if its load has not failed, and forget it.
  case evict(ItemID)
  /// Bring the item in from where this reservation has it, which is granted afterwards; or, when a load from elsewhere
  /// has failed, has been granted before.
  case load(ItemID, for: ReservationID)
  /// The reservation holds all its items and bytes; some of the items may still be loading.
  case grant(ReservationID)
  /// The reservation has ended without a grant.
  case reject(ReservationID, ResidencyError)
}
