extension SchedulerState {
  /// Why the request is not taken; `nil` when it is.
  func obstacle(
    to submission: Submission, now: UInt64, standing: (ModelID) -> ModelStanding
  ) -> SchedulerError? {
    let name = submission.name
    if isDraining { return SchedulerError(.draining(model: name)) }
    if models[submission.model]?.isDraining == true { return SchedulerError(.unloading(model: name)) }
    if let stage = submission.stages.first(where: { models[$0.model]?.isDraining == true }) {
      return SchedulerError(.unloading(model: stage.name))
    }
    if waiting.count >= limits.maxQueuedRequests {
      return SchedulerError(
        .tooManyRequests(
          model: name, limit: limits.maxQueuedRequests, retryAfter: drainTime(of: 1)))
    }
    if submission.bytes > limits.maxQueuedBytes - waitingBytes - heldBytes {
      return SchedulerError(
        .tooManyBytes(
          model: name, bytes: submission.bytes, limit: limits.maxQueuedBytes,
          retryAfter: drainTime(of: max(1, waiting.count / 2))))
    }
    let queued = waitingCost / UInt64(max(limits.lanes, 1))
    if queued > limits.maxDelay {
      return SchedulerError(
        .tooMuchWork(
          model: name, expected: duration(queued), limit: duration(limits.maxDelay),
          retryAfter: retryAfter(queued - limits.maxDelay)))
    }
    guard let deadline = submission.deadline else { return nil }
    return deadlineObstacle(to: submission, deadline: deadline, now: now, standing: standing)
  }

  /// Feasibility under earliest-deadline-first (C. L. Liu and J. W. Layland, 1973): the request is taken when it is
  /// expected to meet its deadline after all that goes before it, and those that were taken before it still meet theirs.
  /// So under overload what is taken is answered in time, and lanes compute nothing that is too late.
  private func deadlineObstacle(
    to submission: Submission, deadline: UInt64, now: UInt64, standing: (ModelID) -> ModelStanding
  ) -> SchedulerError? {
    let key = ServiceEstimates.Key(model: submission.model, shapes: submission.shapes)
    // Of a model that never ran nothing is expected.
    let service = span(of: submission.stages, else: key) {
      UInt64(max(estimates.measured($0)?.mean ?? 0, 0))
    }
    let urgent = waiting.compactMap { request in
      urgency(of: request, now: now).map { (urgency: $0, request: request) }
    }.sorted { ($0.urgency, $0.request.id) < ($1.urgency, $1.request.id) }
    let before = urgent.prefix { $0.urgency <= deadline }
    let ahead = before.reduce(UInt64(0)) { $0 + $1.request.cost }
    let swapIn = estimates.swapIn(standing(submission.model).missingBytes)
    let start = now + delay(of: ahead, now: now)
    let finish = start + swapIn + service
    func refusal(_ late: UInt64) -> SchedulerError {
      SchedulerError(
        .deadlineUnreachable(
          model: submission.name, expected: duration(max(finish, now) - now),
          left: duration(deadline > now ? deadline - now : 0), retryAfter: retryAfter(late)))
    }
    if finish > deadline { return refusal(finish - deadline) }
    // Those that go after it start later by what it takes.
    var work = ahead
    for later in urgent.dropFirst(before.count) {
      guard let promised = later.request.deadline else { continue }
      let without = now + delay(of: work, now: now) + later.request.cost
      let with = now + delay(of: work + service, now: now) + later.request.cost
      if without <= promised, with > promised { return refusal(with - promised) }
      work += later.request.cost
    }
    return nil
  }

  /// Nanoseconds until a lane has done `work` and is free for more.
  func delay(of work: UInt64, now: UInt64) -> UInt64 {
    let lanes = UInt64(capacity)
    let rests = running.values.map { member in
      let elapsed = now > member.dispatched && member.sources.isEmpty ? now - member.dispatched : 0
      return (rest: member.expected > elapsed ? member.expected - elapsed : 0, member.sources.isEmpty)
    }
    if work == 0 {
      return occupancy < capacity ? 0 : rests.filter(\.1).map(\.rest).min() ?? 0
    }
    return (work + rests.reduce(0) { $0 + $1.rest }) / lanes
  }

  /// Members that compute at the same time.
  var capacity: Int { limits.isOneModelAtATime ? 1 : max(limits.lanes, 1) }

  /// Members that compute or could: those that wait for another's output take no lane.
  var occupancy: Int { running.values.count { $0.sources.isEmpty } }

  /// How long it takes until so many of the waiting requests have left.
  private func drainTime(of requests: Int) -> Duration {
    guard !waiting.isEmpty else { return retryAfter(0) }
    return retryAfter(waitingCost / UInt64(waiting.count) * UInt64(requests) / UInt64(capacity))
  }

  private func retryAfter(_ nanoseconds: UInt64) -> Duration {
    duration(min(max(nanoseconds, 1_000_000), 60_000_000_000))
  }

  /// Requests whose deadline has passed or can certainly not be met any more do not run.
  mutating func dropLate(now: UInt64) -> [SchedulerAction] {
    guard waiting.contains(where: { isLate($0, now: now) }) else { return [] }
    var actions: [SchedulerAction] = []
    for index in waiting.indices.reversed() where isLate(waiting[index], now: now) {
      let request = waiting[index]
      guard let deadline = request.deadline else { continue }
      let name = models[request.model]?.name ?? ""
      let least = least(of: request)
      actions += refuse(
        at: index,
        SchedulerError(
          now >= deadline
            ? .deadlinePassed(model: name, waited: duration(now - min(request.admitted, now)))
            : .deadlineUnreachable(
              model: name, expected: duration(least), left: duration(deadline - now),
              retryAfter: retryAfter(least))), now: now)
    }
    return actions
  }

  private func isLate(_ request: Waiting, now: UInt64) -> Bool {
    guard let deadline = request.deadline else { return false }
    let (end, overflow) = now.addingReportingOverflow(least(of: request))
    return now >= deadline || overflow || end > deadline
  }
}

/// A time span of so many nanoseconds; deadlines come from outside and may be any number.
func duration(_ nanoseconds: UInt64) -> Duration { .nanoseconds(Int64(clamping: nanoseconds)) }
