import Dispatch

/// The null device's state: memory, open loads, running kernels, the log, and the tests that wait for an
/// event.
struct NullDeviceState: Sendable {
  var manualLoads: Bool
  var manualKernels: Bool
  var memory: NullDeviceMemory
  var openLoads: [NullDeviceLoad] = []
  var runningKernels: [NullDeviceKernelRun] = []
  var events: [NullDevice.Event] = []
  var misuses: [String] = []
  var waiters: [UInt64: Waiter] = [:]
  var nextWaiter: UInt64 = 0

  /// A test that waits until `isMet`.
  struct Waiter: Sendable {
    var isMet: @Sendable (NullDeviceState) -> Bool
    var continuation: CheckedContinuation<Void, any Error>
  }
}

/// The null device's memory: handles and counted bytes.
struct NullDeviceMemory: Sendable {
  struct Block: Sendable {
    /// The extent's name; `nil` for anonymous memory.
    var name: String?
    var byteCount: Int
    var isIntact = true
  }

  let limit: Int
  private(set) var blocks: [MemoryHandle: Block] = [:]
  private(set) var liveBytes = 0
  private(set) var peakBytes = 0
  private var nextHandle: UInt64 = 1

  init(limit: Int) { self.limit = limit }

  mutating func claim(_ byteCount: Int, name: String?) throws -> MemoryHandle {
    guard byteCount > 0, byteCount <= Int.max / 2 else {
      throw DeviceError(.invalidArgument, "\(byteCount) bytes of memory were asked for")
    }
    let size = roundedToPages(byteCount)
    guard size <= limit - liveBytes else {
      throw DeviceError(.memory, "\(size) bytes do not fit: \(liveBytes) of \(limit) are taken")
    }
    let handle = MemoryHandle(rawValue: nextHandle)
    nextHandle += 1
    blocks[handle] = Block(name: name, byteCount: size)
    liveBytes += size
    peakBytes = max(peakBytes, liveBytes)
    return handle
  }

  /// Memory for what the request asks for, from the start of the load on.
  mutating func claim(_ request: LoadRequest) throws -> MemoryHandle {
    guard request.offset >= 0, request.offset % pageSize == 0, request.byteCount % pageSize == 0 else {
      throw DeviceError(
        .invalidArgument,
        "'\(request.name)': \(request.byteCount) bytes at \(request.offset) are not whole pages of \(request.path)"
      )
    }
    return try claim(request.byteCount, name: request.name)
  }

  mutating func free(_ handle: MemoryHandle) -> Block? {
    guard let block = blocks.removeValue(forKey: handle) else { return nil }
    liveBytes -= block.byteCount
    return block
  }

  mutating func poison(_ name: String) {
    for handle in blocks.keys where blocks[handle]?.name == name { blocks[handle]?.isIntact = false }
  }

  func byteCount(of handle: MemoryHandle) -> Int { blocks[handle]?.byteCount ?? 0 }
  func isIntact(_ handle: MemoryHandle) -> Bool { blocks[handle]?.isIntact ?? false }
}

/// A load that was asked for.
struct NullDeviceLoad: Sendable {
  var request: LoadRequest
  /// The memory that receives the extent, or the reason there is none.
  var memory: Result<MemoryHandle, any Error>
  var completion: @Sendable (Result<MemoryHandle, any Error>) -> Void
}

/// A kernel that holds its lane until the test lets it go.
final class NullDeviceKernelRun: Sendable {
  let model: String
  let node: String
  let gate = DispatchSemaphore(value: 0)
  private let failure = Locked<(any Error)?>(nil)

  init(model: String, node: String) {
    self.model = model
    self.node = node
  }

  var name: String { "\(model)/\(node)" }

  /// Blocks the lane's thread until ``finish(_:)``.
  func wait() throws {
    gate.wait()
    if let error = failure.withLock({ $0 }) { throw error }
  }

  func finish(_ error: (any Error)?) {
    failure.withLock { $0 = error }
    gate.signal()
  }
}
