import Device

/// The account of one kind of host memory that is kept beside the budget: plans, or opened models. What is being made counts
/// as it grows, and what was evicted counts until its last user ends, so the sum never exceeds the capacity.
public final class MemoryLedger: Sendable {
  /// The most bytes that may be kept.
  public let capacity: Int
  private let used = Locked(0)

  public init(capacity: Int) { self.capacity = max(capacity, 0) }

  /// Bytes that are kept now.
  public var usedBytes: Int { used.withLock { $0 } }

  /// Takes `bytes` if they fit beside those that are kept.
  /// - Returns: 0, or the number of bytes that have to be given back first.
  fileprivate func reserve(_ bytes: Int) -> Int {
    used.withLock { used in
      let (sum, overflow) = used.addingReportingOverflow(bytes)
      if overflow { return Int.max }
      if sum > capacity { return sum - capacity }
      used = sum
      return 0
    }
  }

  fileprivate func release(_ bytes: Int) { used.withLock { $0 -= bytes } }
}

/// Bytes do not fit into a ``MemoryLedger``.
enum MemoryShortage: Error, Sendable {
  /// They never fit: one share would take at least `needed` bytes.
  case tooLarge(needed: Int, limit: Int)
  /// They do not fit beside the shares that are in use.
  case inUse(limit: Int)
}

/// One plan's or one model's part of a ``MemoryLedger``. It grows while that is made, and is given back with the last
/// reference.
final class MemoryShare: Sendable {
  private let ledger: MemoryLedger
  private let count = Locked(0)
  /// Evicts what nobody uses. Returns false when there is nothing.
  private let evict: @Sendable (_ bytes: Int) -> Bool

  init(_ ledger: MemoryLedger, evict: @escaping @Sendable (_ bytes: Int) -> Bool = { _ in false }) {
    self.ledger = ledger
    self.evict = evict
  }

  deinit { ledger.release(count.withLock { $0 }) }

  /// Bytes that are reserved.
  var byteCount: Int { count.withLock { $0 } }

  /// Reserves `bytes` more, evicting what is idle where that is necessary. One thread at a time may do so.
  func reserve(_ bytes: Int) throws(MemoryShortage) {
    let bytes = max(bytes, 0)
    let (total, overflow) = byteCount.addingReportingOverflow(bytes)
    guard !overflow, total <= ledger.capacity else {
      throw .tooLarge(needed: overflow ? .max : total, limit: ledger.capacity)
    }
    while true {
      let missing = ledger.reserve(bytes)
      if missing == 0 { break }
      guard evict(missing) else { throw .inUse(limit: ledger.capacity) }
    }
    count.withLock { $0 += bytes }
  }

  /// Gives back all but `bytes`, where more are reserved; reserves the rest where less are. One thread at a time may do so.
  func settle(_ bytes: Int) throws(MemoryShortage) {
    let current = byteCount
    if bytes > current { return try reserve(bytes - current) }
    count.withLock { $0 -= current - bytes }
    ledger.release(current - bytes)
  }
}
