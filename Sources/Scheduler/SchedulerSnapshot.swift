/// The waiting and running requests at one moment.
public struct SchedulerSnapshot: Sendable, Hashable {
  /// One model's share.
  public struct Model: Sendable, Hashable {
    public var name: String
    public var version: Int
    public var waiting: Int
    public var running: Int
    public var isPinned: Bool

    public init(name: String, version: Int, waiting: Int, running: Int, isPinned: Bool) {
      self.name = name
      self.version = version
      self.waiting = waiting
      self.running = running
      self.isPinned = isPinned
    }
  }

  /// Models with anything that waits, runs or is pinned.
  public var models: [Model] = []
  public var waitingRequests = 0
  public var waitingBytes = 0
  public var runningMembers = 0

  public init() {}
}

/// A change of what waits and runs. Times are nanoseconds of the monotonic clock.
public enum SchedulerEvent: Sendable {
  case admitted(model: String, version: Int)
  case refused(model: String, version: Int, SchedulerError.Kind)
  /// Requests left the queue without having run: their clients went away.
  case cancelled(model: String, version: Int)
  /// A member joined the running program, or began one (`width` 1).
  case dispatched(model: String, version: Int, batch: Int, width: Int, program: UInt64, at: UInt64)
  /// A member has answered; `lane` is where it ran.
  case answered(
    model: String, version: Int, batch: Int, program: UInt64, timing: RequestTiming, lane: Int, failed: Bool)
  /// The weights of a model that nobody has used for its keep-alive leave.
  case expired(model: String, version: Int)
}
