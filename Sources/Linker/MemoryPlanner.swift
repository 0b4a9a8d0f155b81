/// A block of memory that is needed from one step of a plan to another.
public struct MemoryInterval: Sendable, Hashable {
  /// The first and the last step that touch it.
  public var steps: ClosedRange<Int>
  /// Bytes.
  public var byteCount: Int

  public init(steps: ClosedRange<Int>, byteCount: Int) {
    self.steps = steps
    self.byteCount = byteCount
  }
}

/// The position of every block.
public struct ArenaLayout: Sendable, Hashable {
  /// Offsets in bytes, in the order of the intervals.
  public var offsets: [Int]
  /// Bytes from 0 to the end of the last block.
  public var byteCount: Int
}

/// Places blocks so that two that are needed at the same step never overlap, in little memory.
///
/// Greedy by size, each at the lowest offset where it fits (Pisarchyk and Lee, "Efficient Memory Management for Deep
/// Neural Net Inference", 2020, section 5.2). A pure function: equal intervals give equal offsets.
/// - Parameter alignment: a power of two that every offset is a multiple of.
/// - Throws: ``LinkError`` when the sum does not fit an `Int`.
public func planMemory(_ intervals: [MemoryInterval], alignment: Int = 64) throws(LinkError) -> ArenaLayout {
  let order = intervals.indices.sorted { (a: Int, b: Int) in
    let (left, right) = (intervals[a], intervals[b])
    return (-left.byteCount, left.steps.lowerBound, a) < (-right.byteCount, right.steps.lowerBound, b)
  }
  var offsets = [Int](repeating: 0, count: intervals.count)
  var placed: [Int] = []  // indices of intervals, by offset
  var end = 0
  for index in order where intervals[index].byteCount > 0 {
    let interval = intervals[index]
    var offset = 0
    for other in placed where intervals[other].steps.overlaps(interval.steps) {
      if offset + interval.byteCount <= offsets[other] { break }
      offset = max(offset, (offsets[other] + intervals[other].byteCount + alignment - 1) & ~(alignment - 1))
    }
    let (top, overflow) = offset.addingReportingOverflow(interval.byteCount)
    guard !overflow, top < Int.max / 2 else { throw LinkError(.arenaTooLarge) }
    offsets[index] = offset
    placed.insert(index, at: placed.firstIndex { offsets[$0] > offset } ?? placed.endIndex)
    end = max(end, top)
  }
  return ArenaLayout(offsets: offsets, byteCount: (end + alignment - 1) & ~(alignment - 1))
}
