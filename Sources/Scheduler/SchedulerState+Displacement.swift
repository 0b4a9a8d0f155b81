/// The reasons that prevent an incoming request from being admitted.
struct Obstacle: Sendable {
  /// A bound on waiting requests that has been reached.
  enum Bound: Sendable { case requests, bytes, work }

  var error: SchedulerError
  /// The bound reached; `nil` if the request could not be admitted even to an empty queue.
  var bound: Bound?
  /// Only requests that go first by this time are in the way.
  var horizon = UInt64.max
}

/// Room for a tenant that asks little, while another fills the queue.
///
/// Where a bound on waiting is reached, the newest request of the tenant with the most waiting gives way, as long as that
/// tenant has more waiting than the one that asks, the new request included. So each of *n* tenants can have an *n*th of
/// what may wait, whatever the others ask for, and one that is alone can have all of it.
///
/// B. Suter, T. Lakshman, D. Stiliadis and A. Choudhury, *Design Considerations for Supporting TCP with Per-flow Queueing*,
/// INFOCOM 1998: longest queue drop.
extension SchedulerState {
  /// The most requests that give way to one.
  private static let mostDisplaced = 64

  /// The requests that give way to a new one, or the reason why it is refused.
  func displaced(
    by submission: Submission, now: UInt64, standing: (ModelID) -> ModelStanding
  ) -> Result<[RequestID], SchedulerError> {
    guard let first = obstacle(to: submission, now: now, standing: standing) else { return .success([]) }
    guard first.bound != nil, tenants.count > (tenants[submission.tenant] == nil ? 0 : 1) else {
      return .failure(first.error)
    }
    // Nobody gives way for nothing: a copy is asked whether it helps.
    var trial = self
    var displaced: [RequestID] = []
    while let obstacle = trial.obstacle(to: submission, now: now, standing: standing) {
      guard displaced.count < Self.mostDisplaced, let bound = obstacle.bound,
        let index = trial.displaceable(by: submission, bound, before: obstacle.horizon)
      else { return .failure(first.error) }
      displaced.append(trial.remove(at: index).id)
    }
    return .success(displaced)
  }

  /// The newest request, of those that are in the way, of the tenant with the most waiting; `nil` when that is the one that
  /// asks, or no more than the one that asks would have.
  private func displaceable(
    by submission: Submission, _ bound: Obstacle.Bound, before horizon: UInt64
  ) -> Int? {
    var shares: [Int: UInt64] = [:]
    for request in waiting { shares[request.tenant, default: 0] += share(of: request, in: bound) }
    let own = tenants[submission.tenant]
    let asked =
      switch bound {
      case .requests: UInt64(1)
      case .bytes: UInt64(max(submission.bytes, 0))
      case .work: cost(of: submission)
      }
    let mine = (own.flatMap { shares[$0] } ?? 0) + asked
    // Of equal ones the tenant that came last: the order of a dictionary decides nothing.
    let heaviest = shares.filter { $0.key != own }.max { ($0.value, $0.key) < ($1.value, $1.key) }
    guard let heaviest, heaviest.value > mine else { return nil }
    return waiting.indices.last { index in
      waiting[index].tenant == heaviest.key
        && (horizon == .max || (waiting[index].deadline ?? self.bound(of: waiting[index])) <= horizon)
    }
  }

  private func share(of request: Waiting, in bound: Obstacle.Bound) -> UInt64 {
    switch bound {
    case .requests: 1
    case .bytes: UInt64(max(request.bytes, 0))
    case .work: request.cost
    }
  }
}
