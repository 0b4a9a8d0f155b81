import Tensors

/// One run of a pipeline that somebody waits for. It is one request, however many stages it has: one place in the queue,
/// one deadline.
public struct ScheduledPipeline: Sendable {
  public var pipeline: Pipeline
  /// In the order in which wires count the pipeline's inputs.
  public var inputs: [Tensor]
  /// The outputs that are wanted, by index; stages that none of them follows from are not run.
  public var outputs: [Int]
  /// As of a ``ScheduledRequest``.
  public var tenant: String
  public var priority: Int
  public var deadline: UInt64?
  public var keepAlive: Duration?
  /// Told, on no lane, how many bytes the outputs will be before any of them is cast; what it throws is the pipeline's
  /// answer.
  public var onOutputs: (@Sendable (Int) throws -> Void)?

  public init(
    pipeline: Pipeline, inputs: [Tensor], outputs: [Int]? = nil, tenant: String = "", priority: Int = 0,
    deadline: UInt64? = nil, keepAlive: Duration? = nil
  ) {
    self.pipeline = pipeline
    self.inputs = inputs
    self.outputs = outputs ?? Array(pipeline.outputs.indices)
    self.tenant = tenant
    self.priority = priority
    self.deadline = deadline
    self.keepAlive = keepAlive
  }
}

/// The answer of a pipeline.
public struct PipelineAnswer: Sendable {
  /// The outputs that were wanted, in that order.
  public var outputs: [(name: String, tensor: Tensor)]
  /// The whole run's: its weights are there when those of the first stage that began are.
  public var timing: RequestTiming
  /// Each stage's that ran, in the pipeline's order.
  public var stages: [(name: String, timing: RequestTiming)]
}
