import ModelGraph

/// A row of the table of slots as it lies in memory: ``TreeSlots`` says what it means.
struct TreeSlot<Element: BinaryFloatingPoint & BitwiseCopyable & Sendable>: BitwiseCopyable {
  var threshold: Element
  var split: UInt32
  var next: UInt32
}

/// Finds the leaves that rows reach in trees.
///
/// Four rows, or four trees for one row, go down at the same time: each step waits for memory, and four independent ones wait
/// together. A step computes the next slot without a jump, which the processor would guess wrongly half of the time.
struct TreeWalk<Element: BinaryFloatingPoint & BitwiseCopyable & Sendable> {
  private let slots: UnsafePointer<TreeSlot<Element>>
  private let count: Int
  private let roots: UnsafePointer<UInt32>
  private let trees: Int
  private let features: Int
  private let depth: Int

  /// - Parameters:
  ///   - count: the number of slots.
  ///   - features: the length of a row.
  ///   - depth: the most steps from a root to a leaf.
  init(
    slots: UnsafePointer<TreeSlot<Element>>, count: Int, roots: UnsafePointer<UInt32>, trees: Int,
    features: Int, depth: Int
  ) {
    (self.slots, self.count, self.roots, self.trees) = (slots, count, roots, trees)
    (self.features, self.depth) = (features, depth)
  }

  /// Rows that go down one tree before the next tree is looked at, so that a tree stays in the cache.
  private static var block: Int { 64 }

  /// Calls `body` with each row and each leaf that it reaches, for each row in the order of the trees.
  /// - Returns: false if the table leads out of itself or of a row.
  @inline(__always)
  func forEachLeaf(
    _ x: UnsafePointer<Element>, rows: Int,
    _ body: (_ row: Int, _ leaf: UnsafePointer<TreeSlot<Element>>) throws -> Void
  ) rethrows -> Bool {
    var first = 0
    while first < rows {
      let end = min(first &+ Self.block, rows)
      if end &- first >= 4 {
        for tree in 0..<trees {
          let root = roots[tree]
          for row in stride(from: first, to: end, by: 4) {
            // The last rows of a block go down again where fewer than four are left.
            let (b, c, d) = (min(row &+ 1, end &- 1), min(row &+ 2, end &- 1), min(row &+ 3, end &- 1))
            let starts = Four(root, root, root, root)
            let places = Four(
              x + row &* features, x + b &* features, x + c &* features, x + d &* features)
            guard let leaves = leaves(starts, places) else { return false }
            try body(row, slots + Int(leaves.a))
            if row &+ 1 < end { try body(row &+ 1, slots + Int(leaves.b)) }
            if row &+ 2 < end { try body(row &+ 2, slots + Int(leaves.c)) }
            if row &+ 3 < end { try body(row &+ 3, slots + Int(leaves.d)) }
          }
        }
      } else {
        for row in first..<end {
          let place = x + row &* features
          for tree in stride(from: 0, to: trees, by: 4) {
            let last = trees &- 1
            let starts = Four(
              roots[tree], roots[min(tree &+ 1, last)], roots[min(tree &+ 2, last)],
              roots[min(tree &+ 3, last)])
            guard let leaves = leaves(starts, Four(place, place, place, place)) else { return false }
            try body(row, slots + Int(leaves.a))
            if tree < last { try body(row, slots + Int(leaves.b)) }
            if tree &+ 1 < last { try body(row, slots + Int(leaves.c)) }
            if tree &+ 2 < last { try body(row, slots + Int(leaves.d)) }
          }
        }
      }
      first = end
    }
    return true
  }

  private struct Four<Part> {
    var a: Part
    var b: Part
    var c: Part
    var d: Part

    init(_ a: Part, _ b: Part, _ c: Part, _ d: Part) {
      (self.a, self.b, self.c, self.d) = (a, b, c, d)
    }
  }

  /// The slots that are reached from four slots, each for a row of its own; `nil` if the table leads out of itself or of a row.
  @inline(__always)
  private func leaves(_ starts: Four<UInt32>, _ rows: Four<UnsafePointer<Element>>) -> Four<UInt32>? {
    var now = starts
    for _ in 0..<depth {
      guard let a = step(now.a, rows.a), let b = step(now.b, rows.b), let c = step(now.c, rows.c),
        let d = step(now.d, rows.d)
      else { return nil }
      now = Four(a.next, b.next, c.next, d.next)
      if (a.split | b.split | c.split | d.split) & TreeSlots.isBranch == 0 { break }
    }
    guard Int(now.a) < count, Int(now.b) < count, Int(now.c) < count, Int(now.d) < count else { return nil }
    return now
  }

  /// One step from a slot, and the slot's split.
  @inline(__always)
  private func step(_ place: UInt32, _ row: UnsafePointer<Element>) -> (next: UInt32, split: UInt32)? {
    guard Int(place) < count else { return nil }
    let slot = slots[Int(place)]
    let feature = Int(slot.split >> TreeSlots.featureShift)
    guard feature < features else { return nil }
    let value = row[feature]
    let isNaN = value != value ? TreeSlots.nanPasses : 0
    let isLess = value < slot.threshold ? TreeSlots.lessPasses : 0
    let isEqual = value == slot.threshold ? TreeSlots.equalPasses : 0
    let fails: UInt32 = slot.split & (isNaN | isLess | isEqual) == 0 ? 1 : 0
    // A leaf leads to itself, whatever the comparison says.
    return (slot.next &+ (slot.split & TreeSlots.isBranch & fails), slot.split)
  }
}
