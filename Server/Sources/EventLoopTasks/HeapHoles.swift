/// Decides when the heap's holes are to be given back to the system.
///
/// The blocks that a new connection keeps lie among those of its first requests. When these are freed, they leave holes that are too
/// small for the next connection's requests: without this, tens of KiB for each connection.
package struct HeapHoles {
  /// The number of new connections whose holes stay at most.
  package static let step = 32

  /// The number of connections when the heap was trimmed last, or fewer since.
  private var trimmed = 0

  package init() {}

  /// A connection has become idle.
  /// - Parameter count: the number of connections.
  /// - Returns: true if it is time to trim the heap.
  package mutating func becameIdle(of count: Int) -> Bool {
    guard count >= trimmed + HeapHoles.step else { return false }
    trimmed = count
    return true
  }

  /// A connection was closed.
  /// - Parameter count: the number of connections left.
  package mutating func closed(of count: Int) { trimmed = min(trimmed, count) }
}
