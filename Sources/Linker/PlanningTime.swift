/// The time that a plan may take to make, from its specialisation to its last kernel. It is checked between nodes; the device
/// bounds what one kernel takes.
struct PlanningTime: Sendable {
  private let limit: Duration
  private let now: @Sendable () -> ContinuousClock.Instant
  private let end: ContinuousClock.Instant

  /// Begins now.
  init(limit: Duration, now: @escaping @Sendable () -> ContinuousClock.Instant) {
    self.limit = limit
    self.now = now
    end = now() + limit
  }

  /// - Parameter node: the next node; `nil` before there are kernels.
  /// - Throws: ``LinkError`` when it is over.
  func check(_ node: String? = nil, of model: String) throws(LinkError) {
    guard now() < end else {
      throw LinkError(.planningTooLong(model: model, node: node, limit: limit))
    }
  }
}
