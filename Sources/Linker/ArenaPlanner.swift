import Device

/// The arena planner's input for one member.
public struct ArenaDemand: Sendable, Hashable {
  /// Bytes of activations and scratch.
  public var byteCount: Int
  /// The member's approximate run time, in any unit: equal members have equal weight.
  public var cost: Double

  public init(byteCount: Int, cost: Double) {
    self.byteCount = byteCount
    self.cost = cost
  }
}

/// The position of each member's share, and the member that it waits for because that one's share lies in the
/// same place.
public struct ArenaPlacement: Sendable, Hashable {
  public var offsets: [Int]
  /// The member whose share overlaps and who runs before; `nil` when the share is free from the start.
  public var predecessors: [Int?]
  /// Bytes of the whole arena.
  public var byteCount: Int
}

/// Places the members of a program side by side in one arena, in at most `lanes` columns. Members of one column follow
/// one another, so they share its bytes; the columns are filled longest member first, each into the column that ends
/// earliest (Graham's LPT rule), and there are fewer of them when the arena would exceed `limit`.
///
/// A pure function. The result exceeds `limit` only when the largest member alone does.
public func placeArenas(_ demands: [ArenaDemand], lanes: Int, limit: Int) -> ArenaPlacement {
  for columns in stride(from: max(1, min(lanes, demands.count)), through: 1, by: -1) {
    let placement = place(demands, columns: columns)
    if placement.byteCount <= limit || columns == 1 { return placement }
  }
  return ArenaPlacement(offsets: [], predecessors: [], byteCount: 0)
}

private func place(_ demands: [ArenaDemand], columns: Int) -> ArenaPlacement {
  struct Column {
    var members: [Int] = []
    var width = 0
    var cost = 0.0
  }
  var filled = [Column](repeating: Column(), count: columns)
  let order = demands.indices.sorted { (-demands[$0].cost, $0) < (-demands[$1].cost, $1) }
  for member in order {
    let column = filled.indices.min { filled[$0].cost < filled[$1].cost } ?? 0
    filled[column].members.append(member)
    filled[column].width = max(filled[column].width, demands[member].byteCount)
    filled[column].cost += demands[member].cost
  }
  var placement = ArenaPlacement(
    offsets: Array(repeating: 0, count: demands.count),
    predecessors: Array(repeating: nil, count: demands.count), byteCount: 0)
  for column in filled {
    for (position, member) in column.members.enumerated() {
      placement.offsets[member] = placement.byteCount
      if position > 0 { placement.predecessors[member] = column.members[position - 1] }
    }
    placement.byteCount = placement.byteCount.adding(saturating: column.width)
  }
  return placement
}
