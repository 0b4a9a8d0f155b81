import Device
import EventLoopTasks
import GRPCCore

/// The shutdown state of the server, and its running work.
///
/// gRPC cancels calls when the client goes away, and also when the server begins to shut down. The second
/// must not stop admitted requests, so running work is cancelled by the first alone, and all of it when the
/// time to drain is over.
final class Drain: Sendable {
  private struct State: Sendable {
    var isDraining = false
    var isOver = false
    var cancels: [UInt64: @Sendable () -> Void] = [:]
    var nextID: UInt64 = 0
  }

  private let state = Locked(State())

  /// True from the moment that the server was told to shut down.
  var isDraining: Bool { state.withLock { $0.isDraining } }

  /// The server was told to shut down; call it before the transport is.
  func begin() { state.withLock { $0.isDraining = true } }

  /// No more time: what still runs is cancelled, and what comes is too.
  func end() {
    let cancels = state.withLock { state in
      state.isDraining = true
      state.isOver = true
      return state.cancels.values.map { $0 }
    }
    for cancel in cancels { cancel() }
  }

  /// Runs the work of a call, in a task of its own that is cancelled when the client goes away.
  func run<Success: Sendable>(
    _ body: @escaping @Sendable () async throws -> Success
  ) async throws -> Success {
    let task = Task(executorPreference: EventLoopExecutor.current) { try await body() }
    let id: UInt64? = state.withLock { state in
      guard !state.isOver else { return nil }
      state.nextID &+= 1
      state.cancels[state.nextID] = { task.cancel() }
      return state.nextID
    }
    if id == nil { task.cancel() }
    defer { if let id { state.withLock { $0.cancels[id] = nil } } }
    let cancel: @Sendable () -> Void = { [self] in if !isDraining { task.cancel() } }
    return try await withRPCCancellationHandler {
      try await withTaskCancellationHandler {
        try await task.value
      } onCancel: {
        cancel()
      }
    } onCancelRPC: {
      cancel()
    }
  }
}
