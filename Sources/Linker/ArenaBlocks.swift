/// The blocks of a plan's arena while the plan is made, the values that lie in them, and who still reads those.
///
/// A value has a block of its own or lies in bytes of others: a result in an operand's place, the parts of a
/// concatenation in the whole, the results of a split in the operand. Nothing that was placed ever moves inside its block:
/// a block becomes a range of a larger one, which is needed from the first step of either to the last. Ranges of blocks that
/// were joined never overlap, so what a step writes into its own value's bytes can meet only values that were put there
/// on purpose, and these are what ``replace(_:byteCount:readers:)`` looks at.
///
/// A pure state machine; values and blocks are indices.
package struct ArenaBlocks {
  /// Every value starts at a multiple of these bytes.
  package static let alignment = 64

  private struct Block {
    var byteCount: Int
    var first: Int
    var last: Int
    /// The larger block that it is a range of, and where in that.
    var whole: (block: Int, offset: Int)?
    /// The values in it and in its ranges.
    var values: [Int]
  }

  private struct Value {
    var block: Int
    var offset: Int
    var byteCount: Int
    var readers: Int
    /// The value that this is a copy of in another layout: whoever will read that one may ask for this one.
    var original: Int?
  }

  private var blocks: [Block] = []
  private var values: [Value] = []

  package init() {}

  // MARK: New values

  /// A value in a block of its own, made at `step`.
  /// - Parameter original: the value that it is a copy of in another layout.
  package mutating func add(_ byteCount: Int, readers: Int, at step: Int, copyOf original: Int? = nil) -> Int
  {
    blocks.append(Block(byteCount: byteCount, first: step, last: step, values: []))
    return insert(
      Value(
        block: blocks.count - 1, offset: 0, byteCount: byteCount, readers: readers, original: original))
  }

  /// The value that a step leaves in the bytes of an operand; `nil` unless these are enough, and the step is the last reader
  /// of everything that lies in them.
  package mutating func replace(_ operand: Int, byteCount: Int, readers: Int) -> Int? {
    let value = values[operand]
    guard byteCount <= value.byteCount, pendingReaders(of: operand) == 1 else { return nil }
    let (block, offset) = place(of: operand)
    // A value without pending readers gains none.
    blocks[block].values = blocks[block].values.filter { pendingReaders(of: $0) > 0 }
    let written = offset..<offset + byteCount
    let isReadLater = blocks[block].values.contains { other in
      guard other != operand else { return false }
      let start = place(of: other).offset
      return written.overlaps(start..<start + values[other].byteCount)
    }
    if isReadLater { return nil }
    return insert(
      Value(block: value.block, offset: value.offset, byteCount: byteCount, readers: readers))
  }

  /// The value that is `parts` side by side, without a step that copies them; `nil` where they cannot lie so.
  ///
  /// The blocks of the parts become ranges of a new one. A block that holds several parts already, side by side as they are
  /// wanted, can be taken as a whole; one that holds anything beside the parts, or a part that is wanted at two places, cannot.
  /// - Parameter parts: values, ascending by the offset in bytes at which each is wanted.
  package mutating func join(
    _ parts: [(value: Int, offset: Int)], byteCount: Int, readers: Int, at step: Int
  ) -> Int? {
    var ranges: [Int: (offset: Int, covered: Int)] = [:]
    var end = 0
    for (part, offset) in parts where values[part].byteCount > 0 {
      let bytes = values[part].byteCount
      guard offset >= end, offset % Self.alignment == 0, offset <= byteCount, bytes <= byteCount - offset
      else { return nil }
      end = offset + bytes
      let place = place(of: part)
      var range = ranges[place.block] ?? (offset - place.offset, 0)
      guard range.offset == offset - place.offset else { return nil }
      range.covered += bytes
      ranges[place.block] = range
    }
    // Covered by disjoint parts alone: it has no room for anything else, and reaches no further than they do.
    guard ranges.allSatisfy({ blocks[$0.key].byteCount == $0.value.covered }) else { return nil }
    let result = add(byteCount, readers: readers, at: step)
    let whole = values[result].block
    for (block, range) in ranges {
      blocks[block].whole = (whole, range.offset)
      blocks[whole].first = min(blocks[whole].first, blocks[block].first)
      blocks[whole].last = max(blocks[whole].last, blocks[block].last)
      blocks[whole].values += blocks[block].values
      blocks[block].values = []
    }
    return result
  }

  /// The value that is a range of bytes of another one, without a step that copies it; `nil` where it would start at an
  /// address that values do not start at.
  package mutating func part(of whole: Int, at offset: Int, _ byteCount: Int, readers: Int) -> Int? {
    guard isPart(of: whole, at: offset, byteCount) else { return nil }
    return insert(
      Value(
        block: values[whole].block, offset: values[whole].offset + offset, byteCount: byteCount,
        readers: readers))
  }

  /// Returns true if ``part(of:at:_:readers:)`` gives a value.
  package func isPart(of whole: Int, at offset: Int, _ byteCount: Int) -> Bool {
    offset >= 0 && offset % Self.alignment == 0 && offset <= values[whole].byteCount
      && byteCount <= values[whole].byteCount - offset
  }

  private mutating func insert(_ value: Value) -> Int {
    values.append(value)
    let index = values.count - 1
    blocks[place(of: index).block].values.append(index)
    return index
  }

  // MARK: Readers and steps

  /// The value gets that many readers more, or, below zero, less.
  package mutating func addReaders(_ count: Int, to value: Int) { values[value].readers += count }

  private func pendingReaders(of value: Int) -> Int {
    var count = values[value].readers
    var value = value
    while let original = values[value].original {
      count += values[original].readers
      value = original
    }
    return count
  }

  /// The value's memory is needed at this step.
  package mutating func touch(_ value: Int, at step: Int) {
    let block = place(of: value).block
    blocks[block].last = max(blocks[block].last, step)
  }

  // MARK: Places

  /// The outermost block that the value lies in, and where.
  private func place(of value: Int) -> (block: Int, offset: Int) {
    var (block, offset) = (values[value].block, values[value].offset)
    while let whole = blocks[block].whole {
      block = whole.block
      offset += whole.offset
    }
    return (block, offset)
  }

  /// Places the blocks in the arena: an offset for each value, and the bytes of all.
  package func planned() throws(LinkError) -> ArenaLayout {
    let outermost = blocks.indices.filter { blocks[$0].whole == nil }
    let layout = try planMemory(
      outermost.map {
        MemoryInterval(steps: blocks[$0].first...blocks[$0].last, byteCount: blocks[$0].byteCount)
      }, alignment: Self.alignment)
    let starts = Dictionary(uniqueKeysWithValues: zip(outermost, layout.offsets))
    let offsets = values.indices.map { index in
      let place = place(of: index)
      return (starts[place.block] ?? 0) + place.offset
    }
    return ArenaLayout(offsets: offsets, byteCount: layout.byteCount)
  }
}
