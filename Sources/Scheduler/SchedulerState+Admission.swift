import Device

extension SchedulerState {
  /// Why the request is not admitted; `nil` when it is.
  func obstacle(
    to submission: Submission, now: UInt64, standing: (ModelID) -> ModelStanding
  ) -> Obstacle? {
    let name = submission.name
    func refusal(_ code: SchedulerError.Code, _ bound: Obstacle.Bound? = nil) -> Obstacle {
      Obstacle(error: SchedulerError(code), bound: bound)
    }
    if isDraining { return refusal(.draining(model: name)) }
    if models[submission.model]?.isDraining == true { return refusal(.unloading(model: name)) }
    if let stage = submission.stages.first(where: { models[$0.model]?.isDraining == true }) {
      return refusal(.unloading(model: stage.name))
    }
    if waiting.count >= limits.maxQueuedRequests {
      return refusal(
        .tooManyRequests(model: name, limit: limits.maxQueuedRequests, retryAfter: drainTime(of: 1)),
        .requests)
    }
    if submission.bytes > limits.maxQueuedBytes {
      return refusal(.requestTooLarge(model: name, bytes: submission.bytes, limit: limits.maxQueuedBytes))
    }
    if submission.bytes > limits.maxQueuedBytes - waitingBytes - heldBytes {
      return refusal(
        .tooManyBytes(
          model: name, bytes: submission.bytes, limit: limits.maxQueuedBytes,
          retryAfter: drainTime(of: max(1, waiting.count / 2))), .bytes)
    }
    let rests = Rests(of: running.values, now: now, pace: pace.factor(mean: estimates.meanOfAll))
    let queued = delay(of: rests.paced(waitingCost), behind: rests)
    if queued > limits.maxDelay {
      return refusal(
        .tooMuchWork(
          model: name, expected: duration(queued), limit: duration(limits.maxDelay),
          retryAfter: retryAfter(queued - limits.maxDelay)), .work)
    }
    guard let deadline = submission.deadline else { return nil }
    return deadlineObstacle(to: submission, deadline: deadline, behind: rests, now: now, standing: standing)
  }

  /// Feasibility under earliest-deadline-first (C. L. Liu and J. W. Layland, 1973): the request is taken when it is
  /// expected to meet its deadline after all that goes before it, and those that were taken before it still meet theirs.
  /// So under overload what is taken is answered in time, and lanes compute nothing that is too late.
  private func deadlineObstacle(
    to submission: Submission, deadline: UInt64, behind rests: Rests, now: UInt64,
    standing: (ModelID) -> ModelStanding
  ) -> Obstacle? {
    let key = ServiceEstimates.Key(model: submission.model, shapes: submission.shapes)
    // Of a model that never ran nothing is expected.
    let service = span(of: submission.stages, else: key) { estimates.mean($0) }
    var ahead: UInt64 = 0
    // Only those that go after it are put in order: mostly few.
    var after: [(urgency: UInt64, index: Int)] = []
    for index in waiting.indices {
      let urgency = waiting[index].deadline ?? bound(of: waiting[index])
      if urgency <= deadline {
        ahead += rests.paced(waiting[index].cost)
      } else {
        after.append((urgency, index))
      }
    }
    after.sort { ($0.urgency, $0.index) < ($1.urgency, $1.index) }
    let swapIn = estimates.swapIn(submission.missingBytes(standing))
    let start = now + delay(of: ahead, behind: rests)
    let finish = start + swapIn + service
    func refusal(_ late: UInt64, before horizon: UInt64) -> Obstacle {
      Obstacle(
        error: SchedulerError(
          .deadlineUnreachable(
            model: submission.name, expected: duration(max(finish, now) - now),
            left: duration(deadline > now ? deadline - now : 0), retryAfter: retryAfter(late))),
        bound: .work, horizon: horizon)
    }
    func left(_ deadline: UInt64) -> UInt64 { deadline - min(now, deadline) }
    let target = deadline - estimates.margin(key, ofLeft: left(deadline))
    if finish > target { return refusal(finish - target, before: deadline) }
    // Those that go after it start later by what it takes.
    var work = ahead
    for (urgency, index) in after {
      let cost = waiting[index].cost
      var without = now + delay(of: work, behind: rests)
      var with = now + delay(of: work + rests.paced(service), behind: rests)
      var bounds = [bound(of: waiting[index])]
      if let promised = waiting[index].deadline {
        without += cost
        with += cost
        // Neither is it brought close to its deadline, nor past it.
        bounds = [promised - estimates.margin(waiting[index].service, ofLeft: left(promised)), promised]
      }
      for bound in bounds where without <= bound && with > bound {
        return refusal(with - bound, before: urgency)
      }
      work += rests.paced(cost)
    }
    return nil
  }

  /// A measurement may stem from a bad moment. If an estimate is the only reason to refuse a request, the
  /// estimate is trusted a little less.
  mutating func doubtEstimates(
    after refused: Submission, now: UInt64, standing: (ModelID) -> ModelStanding
  ) {
    guard let deadline = refused.deadline, deadline > now else { return }
    let key = ServiceEstimates.Key(model: refused.model, shapes: refused.shapes)
    let service = span(of: refused.stages, else: key) { estimates.mean($0) }
    let missing = refused.missingBytes(standing)
    let left = deadline - now
    guard service + estimates.swapIn(missing) + estimates.margin(key, ofLeft: left) > left else { return }
    for key in refused.stages.isEmpty ? [key] : refused.stages.map(\.service) {
      estimates.doubt(key, now: now)
    }
    if missing > 0 { estimates.doubtLoads(now: now) }
  }

  /// When the request has to have begun, whatever else waits.
  func bound(of request: Waiting) -> UInt64 {
    let (bound, overflow) = request.admitted.addingReportingOverflow(limits.maxDelay)
    return overflow ? .max : bound
  }

  /// The remaining time expected for the running members, in nanoseconds.
  struct Rests {
    var sum: UInt64 = 0
    /// Of those that take a lane.
    var least: UInt64 = .max
    var lanes = 0
    private let pace: Double

    init(of members: some Sequence<Running>, now: UInt64, pace: Double) {
      self.pace = pace
      for member in members {
        let computes = member.sources.isEmpty
        let elapsed = computes && now > member.dispatched ? now - member.dispatched : 0
        let expected = paced(member.expected)
        let rest = expected > elapsed ? expected - elapsed : 0
        sum += rest
        guard computes else { continue }
        lanes += 1
        least = min(least, rest)
      }
    }

    /// Returns the time that the lanes take, at their current pace, for work expected to take `work`
    /// nanoseconds.
    func paced(_ work: UInt64) -> UInt64 { UInt64(Double(work) * pace) }
  }

  /// Nanoseconds until a lane has done `work` and is free for more.
  private func delay(of work: UInt64, behind rests: Rests) -> UInt64 {
    if work == 0 { return rests.lanes < capacity ? 0 : rests.least }
    return (work + rests.sum) / UInt64(capacity)
  }

  /// Members that compute at the same time.
  var capacity: Int { limits.isOneModelAtATime ? 1 : max(limits.lanes, 1) }

  /// Members that compute or could: those that wait for another's output take no lane.
  var occupancy: Int { running.values.count { $0.sources.isEmpty } }

  /// Returns the time until so many of the waiting requests have left.
  func drainTime(of requests: Int) -> Duration {
    guard !waiting.isEmpty else { return retryAfter(0) }
    return retryAfter(waitingCost / UInt64(waiting.count) * UInt64(requests) / UInt64(capacity))
  }

  private func retryAfter(_ nanoseconds: UInt64) -> Duration {
    duration(min(max(nanoseconds, 1_000_000), 60_000_000_000))
  }

  /// Requests do not run whose deadline has passed or can certainly not be met any more, nor those that have waited for as
  /// long as they may: what runs takes longer than was expected when they were admitted.
  mutating func dropLate(now: UInt64) -> [SchedulerAction] {
    guard waiting.contains(where: { isLate($0, now: now) || bound(of: $0) <= now }) else { return [] }
    var actions: [SchedulerAction] = []
    for index in waiting.indices.reversed() {
      let request = waiting[index]
      let isLate = isLate(request, now: now)
      guard isLate || bound(of: request) <= now else { continue }
      if isLate { estimates.noteDeadline(request.service, isLate: true) }
      let error = isLate ? lateness(of: request, now: now) : waitedTooLong(request)
      actions += refuse(at: index, SchedulerError(error), now: now)
    }
    return actions
  }

  private func lateness(of request: Waiting, now: UInt64) -> SchedulerError.Code {
    let name = models[request.model]?.name ?? ""
    guard let deadline = request.deadline, now < deadline else {
      return .deadlinePassed(model: name, waited: duration(now - min(request.admitted, now)))
    }
    let least = least(of: request)
    return .deadlineUnreachable(
      model: name, expected: duration(least), left: duration(deadline - now), retryAfter: retryAfter(least))
  }

  private func waitedTooLong(_ request: Waiting) -> SchedulerError.Code {
    .waitedTooLong(
      model: models[request.model]?.name ?? "", limit: duration(limits.maxDelay), retryAfter: drainTime(of: 1)
    )
  }

  private func isLate(_ request: Waiting, now: UInt64) -> Bool {
    guard let deadline = request.deadline else { return false }
    // Far from what any run takes, none is looked up.
    if request.stages.isEmpty, deadline > now, deadline - now > estimates.longestLeast { return false }
    let (end, overflow) = now.addingReportingOverflow(least(of: request))
    return now >= deadline || overflow || end > deadline
  }
}

/// A time span of so many nanoseconds; deadlines come from outside and may be any number.
func duration(_ nanoseconds: UInt64) -> Duration { .nanoseconds(Int64(clamping: nanoseconds)) }

extension Submission {
  /// The bytes of weights to load for it; weights shared by stages count for each.
  func missingBytes(_ standing: (ModelID) -> ModelStanding) -> Int {
    (stages.isEmpty ? [model] : stages.distinctModels).map { standing($0).missingBytes }.saturatingSum
  }
}
