import Scheduler

/// What the service is allowed to do, and what it is bounded by.
public struct ServiceConfiguration: Sendable {
  public var scheduler = SchedulerConfiguration()
  /// Where `.onnx` files and pipelines are watched; `nil`: nowhere.
  public var repository: String?
  /// Clients may register system shared memory.
  public var allowsSharedMemory = false
  /// Clients may send models' files with a load.
  public var allowsUploads = false
  /// The most bytes of one request.
  public var maxRequestBytes = 256 << 20
  /// Compiling runs in this program, which is given `add-model` and what it needs.
  public var compilerPath: String?
  /// The most bytes of address space, and seconds, that compiling one model may take.
  public var compilerMemoryBytes = 8 << 30
  public var compilerSeconds = 600

  public init() {}
}
