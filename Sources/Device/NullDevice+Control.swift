import Dispatch

extension NullDevice {
  /// An event on the device. Events are recorded in the order in which they occur.
  public enum Event: Sendable, Hashable {
    case loadStarted(name: String)
    case loadFinished(name: String)
    case loadFailed(name: String)
    case allocated(byteCount: Int)
    /// `name` is the extent's; `nil` for anonymous memory.
    case released(name: String?, byteCount: Int)
    case kernelStarted(model: String, node: String, threads: Int)
    case kernelFinished(model: String, node: String)
    case kernelFailed(model: String, node: String)
  }

  /// A test waited for something that did not happen.
  public struct TimedOut: Error, CustomStringConvertible {
    public let description: String
  }

  /// Seconds that a test waits before it fails. Other tests may keep all threads for tens of seconds meanwhile, under a
  /// sanitizer on a small machine.
  static let patience = 180

  // MARK: Current state

  /// The log.
  public var events: [Event] { state.withLock { $0.events } }
  /// Extents that were asked for and have neither arrived nor failed, in the order in which they were asked for.
  public var openLoads: [String] { state.withLock { $0.openLoads.map(\.request.name) } }
  /// Kernels that hold a lane, as `model/node`, in the order in which they began.
  public var runningKernels: [String] { state.withLock { $0.runningKernels.map(\.name) } }
  /// Bytes of memory that are taken, from the start of a load on.
  public var liveBytes: Int { state.withLock { $0.memory.liveBytes } }
  /// The most bytes that were ever taken.
  public var peakBytes: Int { state.withLock { $0.memory.peakBytes } }
  /// The number of live memory blocks.
  public var liveHandles: Int { state.withLock { $0.memory.blocks.count } }
  /// Errors of the layers above that cannot be reported to them: memory released twice.
  public var misuses: [String] { state.withLock { $0.misuses } }

  // MARK: Loads by hand

  /// Waits until a load of `name` is open; where loads complete by themselves, until one was asked for.
  public func waitForLoad(_ name: String) async throws {
    try await wait(for: "load of '\(name)'") { state in
      state.manualLoads
        ? state.openLoads.contains { $0.request.name == name }
        : state.events.contains(.loadStarted(name: name))
    }
  }

  /// Waits until a load of `name` is open and completes it. The requester has been notified when this
  /// returns.
  public func completeLoad(_ name: String) async throws { try await endLoad(name, nil) }

  /// Waits until a load of `name` is open and fails it. The requester has been notified when this returns.
  public func failLoad(_ name: String, _ error: any Error = DeviceError(.load, "the test says so"))
    async throws
  {
    try await endLoad(name, error)
  }

  /// Marks memory that holds the extent `name` as damaged.
  public func poison(_ name: String) { update { $0.memory.poison(name) } }

  // MARK: Kernels by hand

  /// Waits until a lane is in the kernel `model/node`; where kernels complete by themselves, until one was.
  public func waitForKernel(_ name: String) async throws {
    try await wait(for: "kernel '\(name)'") { state in
      state.runningKernels.contains { $0.name == name }
        || !state.manualKernels
          && state.events.contains {
            if case .kernelStarted(let model, let node, _) = $0 { "\(model)/\(node)" == name } else { false }
          }
    }
  }

  /// Waits until a lane is in the kernel `model/node` and lets it go on.
  public func completeKernel(_ name: String) async throws { try await endKernel(name, nil) }

  /// Waits until a lane is in the kernel `model/node` and makes it throw.
  public func failKernel(
    _ name: String, _ error: any Error = DeviceError(.kernelLibrary, "the test says so")
  ) async throws {
    try await endKernel(name, error)
  }

  // MARK: Both

  /// Waits until `event` is in the log.
  public func waitForEvent(_ event: Event) async throws {
    try await wait(for: "\(event)") { $0.events.contains(event) }
  }

  /// Completes all open operations, and later ones at once: the end of a test.
  public func completeEverything() {
    let (loads, kernels) = update { state in
      state.manualLoads = false
      state.manualKernels = false
      defer {
        state.openLoads = []
        state.finishKernels(state.runningKernels, failed: false)
      }
      return (state.openLoads, state.runningKernels)
    }
    for load in loads { completions.async { self.finish(load, with: nil) } }
    for kernel in kernels { kernel.finish(nil) }
  }
}
