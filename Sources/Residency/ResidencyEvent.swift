import Device

/// A change of what is resident.
public struct ResidencyEvent: Hashable, Sendable {
  public enum Change: Hashable, Sendable {
    /// `way` is `nil` for an arena.
    case loadStarted(ItemID, byteCount: Int, way: LoadRequest.Way?)
    /// `fromStorage`: it was not in the page cache.
    case loadFinished(ItemID, byteCount: Int, microseconds: Double, fromStorage: Bool)
    case loadFailed(ItemID, byteCount: Int)
    case evicted(ItemID, byteCount: Int)
    case granted(owner: String, exclusiveBytes: Int)
    case released(owner: String, exclusiveBytes: Int)
  }

  public var change: Change
  /// All that counts against the budget, as carried out so far.
  public var residentBytes: Int
}

/// One item of a reservation, and how it comes into memory when it is not there.
public struct ItemRequest: Sendable {
  public enum Source: Sendable {
    /// The bytes of an extent.
    case load(LoadRequest)
    /// Anonymous memory.
    case allocate
  }

  public var item: ResidencyItem
  public var source: Source

  public init(item: ResidencyItem, source: Source) {
    self.item = item
    self.source = source
  }
}
