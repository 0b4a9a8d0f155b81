/// The time that a plan may take to make. The builder checks it between nodes; the device bounds what one kernel takes.
struct PlanningTime: Sendable {
  /// Enough for the largest models on a slow machine; what takes longer is no model that anybody waits for.
  static let limit = Duration.seconds(60)

  private let end: ContinuousClock.Instant

  init(limit: Duration = PlanningTime.limit) { end = .now + limit }

  /// - Throws: ``LinkError`` when it is over.
  func check(_ node: String, of model: String) throws(LinkError) {
    guard ContinuousClock.now < end else {
      throw LinkError(.planningTooLong(model: model, node: node, limit: PlanningTime.limit))
    }
  }
}
