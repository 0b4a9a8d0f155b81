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
/// Neural Net Inference", 2020, section 5.2). That compares each with all others, so many thousands are placed in the order of
/// their steps instead, which takes some more memory. A pure function: equal intervals give equal offsets.
/// - Parameter alignment: a power of two that every offset is a multiple of.
/// - Throws: ``LinkError`` when the sum does not fit an `Int`.
public func planMemory(_ intervals: [MemoryInterval], alignment: Int = 64) throws(LinkError) -> ArenaLayout {
  if intervals.count > mostComparedBlocks { return try planInOrder(intervals, alignment: alignment) }
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

/// The most blocks that are compared with one another.
private let mostComparedBlocks = 4096

/// Places blocks step by step, each in the first gap that earlier ones left and that is large enough.
private func planInOrder(_ intervals: [MemoryInterval], alignment: Int) throws(LinkError) -> ArenaLayout {
  let blocks = intervals.indices.filter { intervals[$0].byteCount > 0 }
  let byStart = blocks.sorted { (intervals[$0].steps.lowerBound, $0) < (intervals[$1].steps.lowerBound, $1) }
  let byEnd = blocks.sorted { (intervals[$0].steps.upperBound, $0) < (intervals[$1].steps.upperBound, $1) }
  var offsets = [Int](repeating: 0, count: intervals.count)
  var gaps = MemoryGaps()
  var ended = 0
  for index in byStart {
    while ended < byEnd.count, intervals[byEnd[ended]].steps.upperBound < intervals[index].steps.lowerBound {
      let block = byEnd[ended]
      gaps.give(offsets[block]..<offsets[block] + rounded(intervals[block].byteCount, to: alignment))
      ended += 1
    }
    guard intervals[index].byteCount < Int.max / 4,
      let offset = gaps.take(rounded(intervals[index].byteCount, to: alignment))
    else { throw LinkError(.arenaTooLarge) }
    offsets[index] = offset
  }
  return ArenaLayout(offsets: offsets, byteCount: gaps.end)
}

private func rounded(_ byteCount: Int, to alignment: Int) -> Int {
  (byteCount + alignment - 1) & ~(alignment - 1)
}

/// The bytes of an arena that no block has at the moment.
private struct MemoryGaps {
  /// The most gaps that are looked at for one block.
  private static let mostExamined = 256

  /// Ascending; no two touch.
  private var gaps: [Range<Int>] = []
  /// Bytes from 0 to the end of the last block.
  private(set) var end = 0

  /// Takes bytes from the first gap that is large enough, or behind the last block.
  /// - Returns: where they start; `nil` when there is no such address.
  mutating func take(_ byteCount: Int) -> Int? {
    if let index = gaps.prefix(Self.mostExamined).firstIndex(where: { $0.count >= byteCount }) {
      let start = gaps[index].lowerBound
      if gaps[index].count == byteCount {
        gaps.remove(at: index)
      } else {
        gaps[index] = start + byteCount..<gaps[index].upperBound
      }
      return start
    }
    let (top, overflow) = end.addingReportingOverflow(byteCount)
    guard !overflow, top < Int.max / 2 else { return nil }
    defer { end = top }
    return end
  }

  /// Gives bytes back.
  mutating func give(_ range: Range<Int>) {
    var low = 0
    var high = gaps.count
    while low < high {
      let middle = (low + high) / 2
      if gaps[middle].lowerBound < range.lowerBound { low = middle + 1 } else { high = middle }
    }
    let joinsNext = low < gaps.count && gaps[low].lowerBound == range.upperBound
    let joinsLast = low > 0 && gaps[low - 1].upperBound == range.lowerBound
    switch (joinsLast, joinsNext) {
    case (true, true):
      gaps[low - 1] = gaps[low - 1].lowerBound..<gaps[low].upperBound
      gaps.remove(at: low)
    case (true, false): gaps[low - 1] = gaps[low - 1].lowerBound..<range.upperBound
    case (false, true): gaps[low] = range.lowerBound..<gaps[low].upperBound
    case (false, false): gaps.insert(range, at: low)
    }
  }
}
