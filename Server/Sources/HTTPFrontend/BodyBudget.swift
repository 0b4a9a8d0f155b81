import Device

/// The bytes of request bodies that are held, and of answers that clients have not taken yet, over all connections.
package final class BodyBudget: Sendable {
  private let limit: Int
  private let used = Locked(0)

  package init(limit: Int) { self.limit = limit }

  /// Takes `bytes` if they fit beside what is held.
  package func reserve(_ bytes: Int) -> Bool {
    used.withLock { used in
      guard bytes <= limit - used else { return false }
      used += bytes
      return true
    }
  }

  /// Takes `bytes` in any case: an answer is not refused for its size, but while clients leave answers lying, no body is taken.
  package func take(_ bytes: Int) { used.withLock { $0 += bytes } }

  package func release(_ bytes: Int) { used.withLock { $0 -= bytes } }
}

/// What one request takes of a ``BodyBudget`` besides its body as it came; given back with the last reference.
package final class BodyReservation: Sendable {
  private let budget: BodyBudget
  private let reserved = Locked(0)

  package init(_ budget: BodyBudget) { self.budget = budget }

  deinit { budget.release(reserved.withLock { $0 }) }

  package func reserve(_ bytes: Int) -> Bool {
    guard budget.reserve(bytes) else { return false }
    reserved.withLock { $0 += bytes }
    return true
  }
}
