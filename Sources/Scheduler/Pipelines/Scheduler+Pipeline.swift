import Device
import Executor
import Linker
import Tensors

extension Scheduler {
  /// One stage of a pipeline that is to run.
  struct StageWork: Sendable {
    var member: MemberID
    /// By index among the stages that the run needs.
    var index: Int
    /// Members of the running program when this one joined, itself included.
    var width: Int
  }

  /// Runs a pipeline: it is one request of the queue, and its stages are members of as few programs as the shapes allow,
  /// which wait for one another alone where one takes another's output. When the task is cancelled while it waits, it
  /// leaves the queue; once it runs, stages that have not begun do not begin.
  /// - Throws: ``SchedulerError`` when it is refused, ``PipelineError`` that names the stage that failed,
  ///   `CancellationError`.
  public func run(_ request: ScheduledPipeline) async throws -> PipelineAnswer {
    let run = PipelineRun(makeRequestID(), request, scheduler: self, admitted: monotonicNanoseconds())
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        run.answers { continuation.resume(with: $0) }
        submit(run)
        // The handler below may have run before there was anything to cancel.
        if Task.isCancelled { cancel(run) }
      }
    } onCancel: {
      cancel(run)
    }
  }

  private func submit(_ run: PipelineRun) {
    let submission = run.submission
    // One that gives its inputs and constants alone runs nothing.
    guard !submission.stages.isEmpty else { return run.begin() }
    var isAdmitted = false
    var closed: LinkableModel?
    decide { core in
      closed = run.stages.lazy.map { run.pipeline.stages[$0].model }.first { core.closed.contains($0) }
      guard closed == nil else { return [] }
      for stage in run.stages { remember(run.pipeline.stages[stage].model, plan: nil, in: &core) }
      core.pipelines[run.id] = run
      let actions = core.machine.submitted(
        submission, now: monotonicNanoseconds(), standing: standing(by: core.models))
      isAdmitted = actions.contains(.admit(run.id))
      return actions
    }
    if let closed {
      run.drop(SchedulerError(.unloading(model: closed.name)))
    } else if isAdmitted {
      run.begin()
    }
  }

  private func cancel(_ run: PipelineRun) {
    var isKnown = false
    var hasLeft = false
    decide { core in
      isKnown = core.pipelines[run.id] != nil
      guard isKnown, let actions = core.machine.withdrawn(run.id, now: monotonicNanoseconds()) else {
        return []
      }
      core.pipelines[run.id] = nil
      hasLeft = true
      return actions
    }
    if hasLeft {
      onEvent?(.cancelled(model: run.pipeline.name, version: run.pipeline.version))
      run.drop(CancellationError())
    } else if isKnown {
      run.cancel()
    }
  }

  /// Stages of the run are planned that follow from no more data.
  /// - Parameter stages: by index among those that the run needs.
  func planned(_ stages: [(index: Int, plan: Plan)], of run: PipelineRun) {
    decide { core in
      for (index, plan) in stages {
        remember(run.pipeline.stages[run.stages[index]].model, plan: plan, in: &core)
      }
      return core.machine.planned(
        run.id, stages: stages.map(\.index), extraBytes: stages.map(\.plan.extraBytes).max() ?? 0,
        now: monotonicNanoseconds())
    }
  }

  func holds(_ run: PipelineRun, bytes: Int) {
    core.withLock { $0.machine.holds(run.id, bytes: bytes) }
  }

  /// A stage's member has given its memory back.
  func ended(_ member: MemberID, _ sample: MemberSample?) {
    decide { core in core.machine.ended(member, sample, now: monotonicNanoseconds()) }
  }

  func finished(_ run: PipelineRun) {
    decide { core in
      core.pipelines[run.id] = nil
      return core.machine.finished(run.id, now: monotonicNanoseconds())
    }
  }

  /// Returns the effects of dispatching stages of a pipeline.
  func translate(
    _ dispatches: [Dispatch], of run: PipelineRun, program: UInt64, width: Int, now: UInt64,
    in core: inout Core
  ) -> [Effect] {
    var work: [StageWork] = []
    var events: [Effect] = []
    for (position, dispatch) in dispatches.enumerated() {
      guard let index = dispatch.stage else { continue }
      if core.models[dispatch.model]?.isLive == false { core.models[dispatch.model]?.isLive = true }
      let width = width - dispatches.count + position + 1
      work.append(StageWork(member: dispatch.member, index: index, width: width))
      let model = run.pipeline.stages[run.stages[index]].model
      events.append(
        .tell(
          .dispatched(
            model: model.name, version: model.version, batch: 1, width: width, program: program, at: now)))
    }
    return events + [.runStages(run, work, program: program)]
  }
}
