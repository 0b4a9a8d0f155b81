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
  /// The most bytes of requests and answers that are held at once, over all connections, from a request's first byte to
  /// its answer's last. What does not fit is refused.
  public var maxHeldBytes = 1 << 30
  /// Compiling runs in this program, which is given `add-model` and what it needs.
  public var compilerPath: String?
  /// The most bytes of address space, and seconds, that compiling one model may take.
  public var compilerMemoryBytes = 8 << 30
  public var compilerSeconds = 600
  /// The most bytes of one file that compiling may write.
  public var compilerFileBytes = 64 << 30
  /// How many versions of a model stay when a newer one comes: of those from the watched folder and of those that were
  /// sent.
  public var keepVersions = 2
  /// How often the folder and the store are looked at; `nil`: when the file system says that something has changed,
  /// and every two seconds where it does not.
  public var repositoryPoll: Duration?
  /// How long after the end of one pass over all models' files the next begins; `nil`: there is one, at the start.
  public var verifyInterval: Duration? = .seconds(24 * 3600)

  public init() {}
}
