import Device
import Executor
import Foundation
import GraphPasses
import Linker
import Tensors

extension Scheduler {
  /// Puts requests into the queue.
  /// - Parameters:
  ///   - bundle: given when they are to be dispatched together.
  ///   - onCaller: what is short, and alone, may run before this returns. Its answer is handed out here then.
  ///   - onAnswer: called once for each.
  func submit(
    _ requests: [(RequestID, ScheduledRequest)], bundle: UInt64?, onCaller: Bool = false,
    onAnswer: @escaping @Sendable (Int, Result<ScheduledAnswer, any Error>) -> Void
  ) {
    var found: [(index: Int, id: RequestID, request: ScheduledRequest, plan: Plan?)] = []
    for (index, (id, request)) in requests.enumerated() {
      do {
        let plan = try engine.planner.cachedPlan(
          request.model, inputs: request.inputs.map { ($0.elementType, $0.shape) })
        found.append((index, id, request, plan))
      } catch { onAnswer(index, .failure(error)) }
    }
    guard !found.isEmpty else { return }
    var unseen: [ScheduledRequest] = []
    var closed: Set<RequestID> = []
    decide(submitted: onCaller ? found.first?.id : nil) { core in
      let now = monotonicNanoseconds()
      var actions: [SchedulerAction] = []
      for (index, id, request, plan) in found {
        let model = ModelID(request.model)
        if core.closed.contains(request.model) {
          closed.insert(id)
          continue
        }
        remember(request.model, plan: plan, in: &core)
        if core.models[model]?.maxRows == nil {
          core.models[model]?.maxRows = 1
          unseen.append(request)
        }
        let submission = submission(
          id, request, plan: plan, bundle: bundle, maxRows: core.models[model]?.maxRows ?? 1)
        core.pending[id] = Pending(
          request: request, plan: plan, timing: RequestTiming(admitted: now), rows: submission.rows
        ) { onAnswer(index, $0) }
        actions += core.machine.submitted(submission, now: now, standing: standing(by: core.models))
      }
      return actions
    }
    for (index, id, request, plan) in found {
      if closed.contains(id) {
        onAnswer(index, .failure(SchedulerError(.unloading(model: request.model.name))))
      } else if plan == nil {
        makePlan(for: id, request)
      }
    }
    for request in unseen { lookAt(request.model, for: request.tenant) }
  }

  private func submission(
    _ id: RequestID, _ request: ScheduledRequest, plan: Plan?, bundle: UInt64?, maxRows: Int
  ) -> Submission {
    var submission = Submission(id: id, model: ModelID(request.model), name: request.model.name)
    submission.tenant = request.tenant
    submission.priority = request.priority
    submission.deadline = request.deadline
    submission.keepAlive = request.keepAlive?.clampedNanoseconds
    submission.bytes = request.inputs.map(\.memoryBytes).saturatingSum
    submission.extraBytes = plan?.extraBytes ?? 0
    if let plan { submission.mostThreads = plan.mostThreads }
    submission.isPlanned = plan != nil
    submission.bundle = bundle
    submission.maxRows = maxRows
    var shapes = Hasher()
    var rest = Hasher()
    for input in request.inputs {
      shapes.combine(input.elementType)
      shapes.combine(input.shape)
      rest.combine(input.elementType)
      rest.combine(input.shape.dims.dropFirst().map { $0 })
    }
    submission.shapes = shapes.finalize()
    let rows = request.inputs.first?.shape.dims.first ?? 0
    if maxRows > 1, rows > 0, bundle == nil, request.inputs.allSatisfy({ $0.shape.dims.first == rows }) {
      submission.rows = rows
      submission.batch = BatchKey(model: submission.model, shapes: rest.finalize())
    }
    return submission
  }

  /// Plans a request in the background.
  private func makePlan(for id: RequestID, _ request: ScheduledRequest) {
    // Without its tensors: it may leave the queue before its turn to be planned comes.
    makePlan(
      for: id, of: request.model, inputs: request.inputs.map { ($0.elementType, $0.shape) },
      tenant: request.tenant, attempt: 0)
  }

  private func makePlan(
    for id: RequestID, of model: LinkableModel, inputs: [(ElementType, Shape)], tenant: String, attempt: Int
  ) {
    planning.add(tenant: tenant, model: ModelID(model)) { [self] in
      guard core.withLock({ $0.pending[id] != nil }) else { return }
      let plan = Result { try engine.planner.plan(model, inputs: inputs) }
      switch plan {
      case .success(let plan):
        decide { core in
          guard core.pending[id] != nil else { return [] }
          core.pending[id]?.plan = plan
          remember(model, plan: plan, in: &core)
          core.machine.planned(id, extraBytes: plan.extraBytes)
          return []
        }
      case .failure(let error as LinkError) where error.isTemporary && attempt < Self.planningAttempts:
        // Requests that end give their plans back. The waits grow from 2 ms to half a second, 10 s in all.
        work.asyncAfter(deadline: .now() + .milliseconds(min(2 << attempt, 500))) { [self] in
          makePlan(for: id, of: model, inputs: inputs, tenant: tenant, attempt: attempt + 1)
        }
      case .failure(let error): withdraw(id, error)
      }
    }
  }

  /// Attempts to plan while plans of other requests leave no room.
  private static let planningAttempts = 27

  /// The request's task was cancelled.
  func cancel(_ id: RequestID) { withdraw(id, CancellationError()) }

  /// Takes a request out of the queue, or drops the answer that it is waiting for.
  private func withdraw(_ id: RequestID, _ error: any Error) {
    var withdrawn: (Pending, isWaiting: Bool)?
    decide { core in
      guard let pending = core.pending.removeValue(forKey: id) else { return [] }
      let actions = core.machine.withdrawn(id, now: monotonicNanoseconds())
      withdrawn = (pending, actions != nil)
      return actions ?? []
    }
    guard let (pending, isWaiting) = withdrawn else { return }
    if isWaiting, error is CancellationError {
      let model = pending.request.model
      onEvent?(.cancelled(model: model.name, version: model.version))
    }
    pending.reply(.failure(error))
  }

  /// Finds out whether runs of a model may be batched.
  private func lookAt(_ model: LinkableModel, for tenant: String) {
    planning.add(tenant: tenant, model: ModelID(model)) { [self] in
      let rows = configuration.maxBatch > 1 ? model.mostBatchRows : 1
      core.withLock { $0.models[ModelID(model)]?.maxRows = rows }
    }
  }
}

extension LinkableModel {
  /// The most rows that a run may have whose answers are those of its rows alone; 1 when that is not certain.
  var mostBatchRows: Int {
    guard graph.hasBatchAxis else { return 1 }
    return graph.inputs.reduce(Int.max) { most, id in
      let ranges = declaredShapes[graph[id].name]?.ranges
      return min(most, ranges?.first?.upperBound ?? .max)
    }
  }
}
