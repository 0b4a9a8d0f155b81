import Device

/// The bytes of request bodies that are held, over all connections.
final class BodyBudget: Sendable {
  private let limit: Int
  private let used = Locked(0)

  init(limit: Int) { self.limit = limit }

  /// Takes `bytes` if they fit beside what is held.
  func reserve(_ bytes: Int) -> Bool {
    used.withLock { used in
      guard bytes <= limit - used else { return false }
      used += bytes
      return true
    }
  }

  func release(_ bytes: Int) { used.withLock { $0 -= bytes } }
}
