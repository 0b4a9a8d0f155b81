/// The limits of a ``Scheduler``.
public struct SchedulerConfiguration: Sendable {
  /// The most requests that wait.
  public var maxQueuedRequests: Int
  /// The most bytes of input tensors that wait.
  public var maxQueuedBytes: Int
  /// No admitted request waits longer than this for its run to begin: past half of it, it goes before whatever order
  /// says otherwise.
  public var maxDelay: Duration
  /// The time that an idle model stays resident; `nil`: until memory is needed.
  public var keepAlive: Duration?
  /// The most requests of one model that run as one batch; 1 never batches.
  public var maxBatch: Int
  /// The time for which a model that was swapped in is not evicted in favour of a model whose requests could
  /// wait.
  public var minimumResidency: Duration
  /// A run that is expected to compute for no longer than this, though with one thread, and has all that it needs, runs where
  /// its request came in rather than on a lane, which would have to be woken; 0: never.
  public var shortRun: Duration
  /// Every program has one member at a time: what the benchmark compares with.
  public var isOneModelAtATime: Bool

  public init(
    maxQueuedRequests: Int = 1024, maxQueuedBytes: Int = 256 << 20, maxDelay: Duration = .seconds(10),
    keepAlive: Duration? = nil, maxBatch: Int = 8, minimumResidency: Duration = .milliseconds(100),
    shortRun: Duration = .zero, isOneModelAtATime: Bool = false
  ) {
    self.maxQueuedRequests = maxQueuedRequests
    self.maxQueuedBytes = maxQueuedBytes
    self.maxDelay = maxDelay
    self.keepAlive = keepAlive
    self.maxBatch = maxBatch
    self.minimumResidency = minimumResidency
    self.shortRun = shortRun
    self.isOneModelAtATime = isOneModelAtATime
  }
}
