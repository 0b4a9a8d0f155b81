import Linker
import Tensors

/// One run of one model that somebody waits for.
public struct ScheduledRequest: Sendable {
  public var model: LinkableModel
  /// In the order of the model's inputs.
  public var inputs: [Tensor]
  /// The requesting tenant. Each tenant with waiting requests gets its share of the lanes.
  public var tenant: String
  /// A lower number goes first; 0 is the scheduler's default level.
  public var priority: Int
  /// When the answer is worth nothing any more, in nanoseconds of the monotonic clock.
  public var deadline: UInt64?
  /// The time that the model stays resident after this run while it is idle; the model's own setting if left
  /// out.
  public var keepAlive: Duration?
  /// Told, on the thread that ran it, how many bytes the outputs are while the run's reservation still covers them; what it throws is the
  /// request's answer.
  public var onOutputs: (@Sendable (Int) throws -> Void)?

  public init(
    model: LinkableModel, inputs: [Tensor], tenant: String = "", priority: Int = 0, deadline: UInt64? = nil,
    keepAlive: Duration? = nil
  ) {
    self.model = model
    self.inputs = inputs
    self.tenant = tenant
    self.priority = priority
    self.deadline = deadline
    self.keepAlive = keepAlive
  }
}

/// The answer to a request.
public struct ScheduledAnswer: Sendable {
  /// In the order of the model's outputs.
  public var outputs: [(name: String, tensor: Tensor)]
  public var timing: RequestTiming

  public init(outputs: [(name: String, tensor: Tensor)], timing: RequestTiming) {
    self.outputs = outputs
    self.timing = timing
  }
}

/// When things happened to a request, in nanoseconds of the monotonic clock, and in what company.
public struct RequestTiming: Sendable, Hashable {
  /// It was admitted.
  public var admitted: UInt64
  /// It was chosen to run and handed to the executor.
  public var dispatched: UInt64 = 0
  /// All of its weights were there.
  public var loaded: UInt64 = 0
  /// Its first kernel could start.
  public var started: UInt64 = 0
  /// Its answer was there.
  public var answered: UInt64 = 0
  /// The bytes of weights loaded for its run.
  public var bytesLoaded = 0
  /// Requests that were run as one batch with it, itself included.
  public var batchSize = 1
  /// Members of the running program when this one joined, itself included.
  public var programWidth = 1

  public init(admitted: UInt64) { self.admitted = admitted }

  /// Nanoseconds from admission to dispatch.
  public var queueNanoseconds: UInt64 { dispatched > admitted ? dispatched - admitted : 0 }
  /// Nanoseconds in which the run waited for memory and weights.
  public var swapInNanoseconds: UInt64 {
    let ready = max(loaded, dispatched)
    return bytesLoaded > 0 && ready > dispatched ? ready - dispatched : 0
  }
  /// Nanoseconds from dispatch to the answer, without ``swapInNanoseconds``.
  public var computeNanoseconds: UInt64 {
    let run = answered > dispatched ? answered - dispatched : 0
    return run > swapInNanoseconds ? run - swapInNanoseconds : 0
  }
}
