/// The limits of an ``Engine``.
public struct EngineConfiguration: Sendable {
  /// Hard bound in bytes on what is held for models.
  public var budget: Int
  /// Lanes, and the most threads that all lanes together use.
  public var threads: Int
  /// Kernels always run on one thread each, so that a result does not depend on what runs beside it.
  public var deterministic: Bool
  /// The most bytes that plans and compiled code may keep.
  public var planCacheBytes: Int
  /// The most bytes that the graphs of opened models may keep.
  public var modelCacheBytes: Int

  public init(
    budget: Int, threads: Int, deterministic: Bool = false, planCacheBytes: Int = 256 << 20,
    modelCacheBytes: Int = 256 << 20
  ) {
    self.budget = budget
    self.threads = threads
    self.deterministic = deterministic
    self.planCacheBytes = planCacheBytes
    self.modelCacheBytes = modelCacheBytes
  }

  /// The thread counts that kernels are made for: powers of two up to all threads, and all threads.
  package var kernelThreads: [Int] {
    if deterministic || threads <= 1 { return [1] }
    var counts: [Int] = []
    var count = 1
    while count < threads {
      counts.append(count)
      count *= 2
    }
    return counts + [threads]
  }
}
