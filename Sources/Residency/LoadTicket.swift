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
    var sleepers: [DispatchSemaphore] = []
  }

  private let ready = Atomic<Bool>(false)
  private let handle = Atomic<UInt64>(0)
  private let arrivalTime = Atomic<UInt64>(0)
  private let beginner = Atomic<UInt64>(0)
  private let state = Locked(State())

  init() {}

  /// A ticket of a load that never was.
  convenience init(failure: any Error) {
    self.init()
    resolve(.failure(failure))
  }

  /// True when the item is there: ``wait()`` returns at once then, and throws nothing.
  public var isReady: Bool { ready.load(ordering: .acquiring) }

  /// When the item was there, in nanoseconds of the monotonic clock; `nil` while it is not.
  public var arrival: UInt64? { isReady ? arrivalTime.load(ordering: .relaxed) : nil }

  /// The reservation that the load was begun for; the last one, when it failed and was begun anew.
  var reservation: ReservationID {
    get { ReservationID(rawValue: beginner.load(ordering: .relaxed)) }
    set { beginner.store(newValue.rawValue, ordering: .relaxed) }
  }

  /// Returns the item's memory once it is loaded. Blocks until then: for a lane's thread, never in a Swift
  /// task.
  /// - Throws: the error that made the load fail.
  public func wait() throws -> MemorySpan {
    if ready.load(ordering: .acquiring) {
      return MemorySpan(MemoryHandle(rawValue: handle.load(ordering: .relaxed)))
    }
    let ended = DispatchSemaphore(value: 0)
    while true {
      let result = state.withLock { state in
        if state.result == nil { state.sleepers.append(ended) }
        return state.result
      }
      if let result { return MemorySpan(try result.get()) }
      ended.wait()
    }
  }

  /// The load has ended.
  func resolve(_ result: Result<MemoryHandle, any Error>) {
    if case .success(let handle) = result {
      self.handle.store(handle.rawValue, ordering: .relaxed)
      arrivalTime.store(DispatchTime.now().uptimeNanoseconds, ordering: .relaxed)
      ready.store(true, ordering: .releasing)
    }
    let sleepers = state.withLock { state in
      state.result = result
      defer { state.sleepers = [] }
      return state.sleepers
    }
    for sleeper in sleepers { sleeper.signal() }
  }
}
