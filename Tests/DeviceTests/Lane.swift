import Device
import Dispatch

/// A thread of its own that does one thing.
final class Lane: Sendable {
  private let group = DispatchGroup()
  private let failure = Locked<(any Error)?>(nil)

  init(_ body: @escaping @Sendable () throws -> Void) {
    DispatchQueue(label: "lane").async(group: group) {
      do { try body() } catch { self.failure.withLock { $0 = error } }
    }
  }

  /// Suspends until it is done.
  /// - Throws: what it threw.
  func end() async throws {
    await withCheckedContinuation { ended in group.notify(queue: .global()) { ended.resume() } }
    if let error = failure.withLock({ $0 }) { throw error }
  }
}
