import Scheduler

/// The permissions and limits of the service.
public struct ServiceConfiguration: Sendable {
  public var scheduler = SchedulerConfiguration()
  /// The folder watched for `.onnx` files and pipelines; `nil` for none.
  public var repository: String?
  /// Clients may register system shared memory.
  public var allowsSharedMemory = false
  /// Clients may send models' files with a load.
  public var allowsUploads = false
  /// The most bytes of one request.
  public var maxRequestBytes = 256 << 20
  /// The maximum number of bytes of requests and answers held at once, over all connections, from a request's
  /// first byte to its answer's last. Requests beyond it are refused.
  public var maxHeldBytes = 1 << 30
  /// Compiling runs in this program, which is given `add-model` and what it needs.
  public var compilerPath: String?
  /// The most bytes of address space, and seconds, that compiling one model may take.
  public var compilerMemoryBytes = 8 << 30
  public var compilerSeconds = 600
  /// The most bytes of one file that compiling may write.
  public var compilerFileBytes = 64 << 30
  /// The number of versions of a model that stay when a newer one is added, from the watched folder and from
  /// uploads.
  public var keepVersions = 2
  /// The interval at which the folder and the store are polled; `nil`: when the file system reports a change,
  /// and every two seconds where it does not report changes.
  public var repositoryPoll: Duration?
  /// The time from the end of one verification pass over all models' files to the start of the next; `nil`:
  /// one pass, at the start.
  public var verifyInterval: Duration? = .seconds(24 * 3600)

  /// The number of models that stay open: each keeps a file open.
  public var maxOpenModels = Int.max

  /// The most memory of each part of the process, by its name, for the metrics.
  public var memoryLimits: [String: Int] = [:]

  public init() {}
}
