import Device
import Dispatch
import Synchronization

/// Says when one load of an item is done, and where the item is.
///
/// One-shot: shared by all who hold the item since that load began, whatever became of it. The memory stays as long as
/// the lease that the ticket came with.
public final class LoadTicket: Sendable {
  private struct State: Sendable {
    var result: Result<MemoryHandle, any Error>?
    var callbacks: [@Sendable () -> Void] = []
  }

  private let ready = Atomic<Bool>(false)
  private let handle = Atomic<UInt64>(0)
  private let state = Locked(State())

  init() {}

  /// A ticket of a load that never was.
  convenience init(failure: any Error) {
    self.init()
    resolve(.failure(failure))
  }

  /// True when the item is there: ``wait()`` returns at once then, and throws nothing.
  public var isReady: Bool { ready.load(ordering: .acquiring) }

  /// Where the item is. Sleeps until it is there: for a lane's thread, never in a Swift task.
  /// - Throws: why the load failed.
  public func wait() throws -> MemorySpan {
    if ready.load(ordering: .acquiring) {
      return MemorySpan(MemoryHandle(rawValue: handle.load(ordering: .relaxed)))
    }
    let ended = DispatchSemaphore(value: 0)
    while true {
      if let result = state.withLock({ $0.result }) { return MemorySpan(try result.get()) }
      onReady { ended.signal() }
      ended.wait()
    }
  }

  /// Calls `body` once the load has ended, well or not; at once when it has already.
  public func onReady(_ body: @escaping @Sendable () -> Void) {
    let hasEnded = state.withLock { state in
      if state.result == nil { state.callbacks.append(body) }
      return state.result != nil
    }
    if hasEnded { body() }
  }

  /// The load has ended.
  func resolve(_ result: Result<MemoryHandle, any Error>) {
    if case .success(let handle) = result {
      self.handle.store(handle.rawValue, ordering: .relaxed)
      ready.store(true, ordering: .releasing)
    }
    let callbacks = state.withLock { state in
      state.result = result
      defer { state.callbacks = [] }
      return state.callbacks
    }
    for callback in callbacks { callback() }
  }
}
