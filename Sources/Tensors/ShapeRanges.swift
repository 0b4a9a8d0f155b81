/// The sizes that an input may have, written `1..8x3x224x224`: one size or range an axis.
public struct ShapeRanges: Sendable, Hashable, CustomStringConvertible {
  public var ranges: [ClosedRange<Int>]

  public init(_ ranges: [ClosedRange<Int>]) { self.ranges = ranges }

  /// Reads the written form.
  /// - Throws: ``ShapeRangesError`` when it is not one.
  public init(parsing text: String) throws(ShapeRangesError) {
    ranges = []
    for part in text.split(separator: "x", omittingEmptySubsequences: false) {
      let bounds = part.split(separator: "..", omittingEmptySubsequences: false).map { Int($0) }
      guard (1...2).contains(bounds.count), let low = bounds[0], let high = bounds[bounds.count - 1],
        low >= 0, low <= high
      else { throw ShapeRangesError(text: text) }
      ranges.append(low...high)
    }
    guard !ranges.isEmpty else { throw ShapeRangesError(text: text) }
  }

  /// The size of an axis that can have one alone; `nil` for others, and beyond the last axis.
  public func onlySize(ofAxis axis: Int) -> Int? {
    guard ranges.indices.contains(axis), ranges[axis].lowerBound == ranges[axis].upperBound else {
      return nil
    }
    return ranges[axis].lowerBound
  }

  /// True when `shape` has this many axes, and each is of a size in its range.
  public func contains(_ shape: Shape) -> Bool {
    shape.rank == ranges.count && zip(ranges, shape.dims).allSatisfy { $0.contains($1) }
  }

  public var description: String {
    ranges.map { $0.lowerBound == $0.upperBound ? "\($0.lowerBound)" : "\($0.lowerBound)..\($0.upperBound)" }
      .joined(separator: "x")
  }
}

/// A text that is no list of sizes.
public struct ShapeRangesError: Error, Sendable, CustomStringConvertible {
  let text: String
  public var description: String {
    "'\(text)' is not a shape such as 1x3x224x224 or 1..8x3x224x224, of sizes up to \(Int.max)"
  }
}
