import Synchronization

/// The readiness of the server, from its start until it is told to end. Load balancers read it.
public final class Readiness: Sendable {
  private let isEnding = Atomic(false)

  public var isReady: Bool { !isEnding.load(ordering: .relaxed) }

  /// The server is to end: what runs is answered, and nothing new is asked for.
  public func end() { isEnding.store(true, ordering: .relaxed) }
}
