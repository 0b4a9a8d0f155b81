/// A pipeline that was dispatched, until its last stage has ended.
struct RunningPipeline: Sendable {
  let stages: [StageSubmission]
  let keepAlive: UInt64?
  /// Members of its stages that were dispatched and have not ended.
  var members: [Int: MemberID] = [:]
  /// Bytes of its inputs, and of answers that later stages or its own answer are made from.
  var heldBytes: Int
}

/// A pipeline is one entry of the queue, with one place, one deadline and the bytes of its inputs. Its models
/// count as used from its admission to its end. Its planned stages are dispatched at once; stages planned
/// later follow without waiting again.
extension SchedulerState {
  /// Stages of a pipeline are planned that can run as one program: the first ones, which wait their turn, or further ones
  /// of a pipeline that runs, which do not.
  package mutating func planned(
    _ id: RequestID, stages: [Int], extraBytes: Int, now: UInt64
  ) -> [SchedulerAction] {
    if let index = index(of: id) {
      waiting[index].planned = stages
      planned(id, extraBytes: extraBytes)
      return []
    }
    guard pipelines[id] != nil else { return [] }
    let dispatches = makeMembers(of: id, stages: stages, now: now)
    return [.dispatch(dispatches, program: program, width: running.count)]
  }

  /// Sets the number of bytes that the pipeline keeps outside of reservations.
  package mutating func holds(_ id: RequestID, bytes: Int) { pipelines[id]?.heldBytes = bytes }

  /// Nothing of the pipeline runs any more, or ever will.
  package mutating func finished(_ id: RequestID, now: UInt64) -> [SchedulerAction] {
    guard let pipeline = pipelines.removeValue(forKey: id) else { return withdrawn(id, now: now) ?? [] }
    for stage in pipeline.stages { use(stage.model) { $0.held -= 1 } }
    let setting = limits.keepAlive
    return pipeline.stages.distinctModels.flatMap { id in
      leave(id, now: now) { model in
        let keepAlive = pipeline.keepAlive ?? model.keepAlive ?? setting
        model.expiry = keepAlive.flatMap { SchedulerState.time($0, after: now) }
      }
    }
  }

  /// Bytes that pipelines that run keep outside of reservations: they count as if they waited.
  package var heldBytes: Int { pipelines.values.reduce(0) { $0 + $1.heldBytes } }

  /// Dispatches a pipeline, which has left the queue.
  mutating func begin(_ request: Waiting, now: UInt64) -> [Dispatch] {
    counts.dispatched += 1
    pipelines[request.id] = RunningPipeline(
      stages: request.stages, keepAlive: request.keepAlive, heldBytes: request.bytes)
    return makeMembers(of: request.id, stages: request.planned, now: now)
  }

  private mutating func makeMembers(of id: RequestID, stages: [Int], now: UInt64) -> [Dispatch] {
    guard var pipeline = pipelines[id] else { return [] }
    notePace(now: now)
    let dispatches = stages.map { index in
      nextMember += 1
      let member = MemberID(rawValue: nextMember)
      let stage = pipeline.stages[index]
      running[member] = Running(
        model: stage.model, requests: 1, service: stage.service, expected: estimates.expected(stage.service),
        dispatched: now, keepAlive: pipeline.keepAlive,
        sources: Set(stage.sources.compactMap { pipeline.members[$0] }.filter { running[$0] != nil }))
      pipeline.members[index] = member
      use(stage.model) {
        $0.running += 1
        $0.expiry = nil
      }
      return Dispatch(member: member, model: stage.model, requests: [id], rows: 1, stage: index)
    }
    pipelines[id] = pipeline
    return dispatches
  }

  /// Those that wait for the member's output alone can begin.
  mutating func release(_ member: MemberID, now: UInt64) {
    for (id, other) in running where other.sources.contains(member) {
      running[id]?.sources.remove(member)
      if other.sources.count == 1 { running[id]?.dispatched = now }
    }
  }

  // MARK: Expectations

  /// Nanoseconds of a lane that the request is expected to take: a pipeline's is the sum of its stages'.
  func cost(of submission: Submission) -> UInt64 {
    guard !submission.stages.isEmpty else {
      return estimates.expected(ServiceEstimates.Key(model: submission.model, shapes: submission.shapes))
    }
    return submission.stages.reduce(0) { $0 + estimates.expected($1.service) }
  }

  /// Nanoseconds that the request certainly computes, about.
  func least(of request: Waiting) -> UInt64 {
    span(of: request.stages, else: request.service) { estimates.least($0) }
  }

  /// Nanoseconds from the begin to the end of a run that waits for nobody: of a pipeline, on the longest path through it.
  func span(
    of stages: [StageSubmission], else single: ServiceEstimates.Key,
    _ time: (ServiceEstimates.Key) -> UInt64
  ) -> UInt64 {
    guard !stages.isEmpty else { return time(single) }
    var ends: [UInt64] = []
    for stage in stages {
      ends.append((stage.sources.map { ends[$0] }.max() ?? 0) + time(stage.service))
    }
    return ends.max() ?? 0
  }
}

extension [StageSubmission] {
  /// Each model once, in the order of the stages.
  var distinctModels: [ModelID] {
    var seen = Set<ModelID>()
    return map(\.model).filter { seen.insert($0).inserted }
  }
}
