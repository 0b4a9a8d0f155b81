/// Counters by label, with a bound on how many labels there may be: what comes later counts together.
public struct LabelledCounts<Label: Hashable & Sendable>: Sendable {
  public private(set) var counts: [Label: UInt64] = [:]
  private let limit: Int
  private let rest: Label

  /// - Parameter rest: the label of all that comes when there are `limit` others.
  public init(limit: Int, rest: Label) {
    self.limit = limit
    self.rest = rest
  }

  public mutating func add(_ label: Label, _ amount: UInt64 = 1) {
    counts[counts[label] != nil || counts.count < limit ? label : rest, default: 0] &+= amount
  }
}
