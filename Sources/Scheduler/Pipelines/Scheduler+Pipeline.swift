import Executor

extension Scheduler {
  /// Runs a pipeline: its stages are members of as few programs as the shapes allow, and wait for one another alone where
  /// one takes another's output. When the task is cancelled, stages that have not begun do not begin.
  /// - Throws: ``SchedulerError`` when it is refused, ``PipelineError`` that names the stage that failed,
  ///   `CancellationError`.
  public func run(_ request: ScheduledPipeline) async throws -> PipelineAnswer {
    let run = PipelineRun(request, engine: engine, admitted: monotonicNanoseconds())
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        run.start { continuation.resume(with: $0) }
      }
    } onCancel: {
      run.cancel()
    }
  }
}
