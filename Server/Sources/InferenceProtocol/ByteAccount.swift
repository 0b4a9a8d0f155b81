import Synchronization

/// The bytes that requests and their answers hold, over all connections of all transports: as they came, what they are
/// decoded to, and answers until their clients have taken them.
public final class ByteAccount: Sendable {
  public let limit: Int
  private let used = Atomic<Int>(0)
  private let refused = Atomic<UInt64>(0)

  public init(limit: Int) { self.limit = max(limit, 0) }

  public var usedBytes: Int { used.load(ordering: .relaxed) }

  /// The number of bytes available now.
  public var freeBytes: Int { max(0, limit - usedBytes) }

  /// The number of reservations that did not fit beside the held bytes, but would fit alone.
  public var refusals: UInt64 { refused.load(ordering: .relaxed) }

  /// - Returns: whether so many bytes could be taken now; where they cannot, that is one of ``refusals``.
  public func hasRoom(for bytes: Int) -> Bool {
    if bytes <= freeBytes { return true }
    noteRefusal(of: bytes)
    return false
  }

  private func noteRefusal(of bytes: Int) {
    if bytes <= limit { refused.wrappingAdd(1, ordering: .relaxed) }
  }

  /// Takes `bytes` if they fit beside what is held.
  func reserve(_ bytes: Int) -> Bool {
    guard bytes > 0 else { return true }
    var current = used.load(ordering: .relaxed)
    while bytes <= limit - current {
      let (isExchanged, original) = used.weakCompareExchange(
        expected: current, desired: current + bytes, ordering: .relaxed)
      if isExchanged { return true }
      current = original
    }
    noteRefusal(of: bytes)
    return false
  }

  /// Takes `bytes` in any case: what takes over bytes from a ``HeldBytes`` that lets go of them right after, so that they
  /// are counted twice for a moment rather than not at all; and small answers that are not refused for their size.
  public func take(_ bytes: Int) { used.wrappingAdd(bytes, ordering: .relaxed) }

  public func release(_ bytes: Int) { used.wrappingSubtract(bytes, ordering: .relaxed) }
}

/// The bytes that one request or one answer holds of a ``ByteAccount``; given back with the last reference.
public final class HeldBytes: Sendable {
  public let account: ByteAccount
  private let count = Atomic<Int>(0)

  public init(_ account: ByteAccount) { self.account = account }

  deinit { account.release(count.load(ordering: .relaxed)) }

  public var byteCount: Int { count.load(ordering: .relaxed) }

  /// Takes so many bytes more, before there is memory for them.
  /// - Throws: ``AccountFull``.
  public func reserve(_ bytes: Int) throws(AccountFull) {
    guard account.reserve(bytes) else { throw AccountFull(bytes: bytes, limit: account.limit) }
    count.wrappingAdd(max(bytes, 0), ordering: .relaxed)
  }

  /// Makes it so many bytes in all. One task at a time may do so.
  /// - Throws: ``AccountFull`` when they are more than before and do not fit.
  public func change(to bytes: Int) throws(AccountFull) {
    let before = count.load(ordering: .relaxed)
    if bytes > before { try reserve(bytes - before) } else { lower(to: bytes) }
  }

  /// Gives back all but so many bytes, where there are more. One task at a time may do so.
  public func lower(to bytes: Int) {
    let rest = count.load(ordering: .relaxed) - max(bytes, 0)
    guard rest > 0 else { return }
    count.wrappingSubtract(rest, ordering: .relaxed)
    account.release(rest)
  }
}

/// Bytes do not fit beside those that are held.
public struct AccountFull: Error, Sendable, Hashable, CustomStringConvertible {
  /// The number of bytes requested.
  public let bytes: Int
  public let limit: Int

  public init(bytes: Int, limit: Int) {
    self.bytes = bytes
    self.limit = limit
  }

  /// They never fit.
  public var isHopeless: Bool { bytes > limit }

  public var description: String {
    isHopeless
      ? "\(bytes) bytes exceed the server's limit of \(limit) bytes for all requests and answers"
      : "the server holds too many bytes of requests and answers; retry later"
  }
}
