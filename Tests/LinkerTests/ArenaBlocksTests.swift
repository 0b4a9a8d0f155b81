import Linker
import Testing

/// The state machine where expectations can call it.
private final class Blocks {
  private var blocks = ArenaBlocks()

  func add(_ byteCount: Int, readers: Int, at step: Int, copyOf original: Int? = nil) -> Int {
    blocks.add(byteCount, readers: readers, at: step, copyOf: original)
  }
  func replace(_ operand: Int, byteCount: Int, readers: Int) -> Int? {
    blocks.replace(operand, byteCount: byteCount, readers: readers)
  }
  func join(_ parts: [(value: Int, offset: Int)], byteCount: Int, readers: Int, at step: Int) -> Int? {
    blocks.join(parts, byteCount: byteCount, readers: readers, at: step)
  }
  func part(of whole: Int, at offset: Int, _ byteCount: Int, readers: Int) -> Int? {
    blocks.part(of: whole, at: offset, byteCount, readers: readers)
  }
  func addReaders(_ count: Int, to value: Int) { blocks.addReaders(count, to: value) }
  func touch(_ value: Int, at step: Int) { blocks.touch(value, at: step) }
  func planned() throws -> ArenaLayout { try blocks.planned() }
}

/// Values that may lie in each other's bytes. Offsets are those of the arena.
@Suite("Values in the blocks of an arena")
struct ArenaBlocksTests {
  private let blocks = Blocks()

  private func add(_ byteCount: Int, readers: Int = 1, at step: Int = 0) -> Int {
    blocks.add(byteCount, readers: readers, at: step)
  }

  private func offsets(of values: Int...) throws -> [Int] {
    let offsets = try blocks.planned().offsets
    return values.map { offsets[$0] - offsets[values[0]] }
  }

  // MARK: Joining

  @Test("parts lie side by side in the whole, which takes no more bytes than they do")
  func join() throws {
    let (a, b) = (add(128), add(64, at: 1))
    let whole = try #require(blocks.join([(a, 0), (b, 128)], byteCount: 192, readers: 1, at: 2))
    #expect(try offsets(of: whole, a, b) == [0, 0, 128])
    #expect(try blocks.planned().byteCount == 192)
  }

  @Test("a chain of concatenations that each begin with all before lies in one block")
  func prefixes() throws {
    var parts = [(value: add(64, readers: 3), offset: 0)]
    for step in 1...3 {
      parts.append((add(64, readers: 4 - step, at: step), 64 * step))
      _ = try #require(blocks.join(parts, byteCount: 64 * (step + 1), readers: 1, at: step))
    }
    #expect(
      try offsets(of: parts[0].value, parts[1].value, parts[2].value, parts[3].value) == [0, 64, 128, 192])
    #expect(try blocks.planned().byteCount == 256)
  }

  @Test("what lies side by side already is taken to another place as a whole")
  func shifted() throws {
    let (a, b, c) = (add(64, readers: 2), add(64, readers: 2), add(128))
    let first = try #require(blocks.join([(a, 0), (b, 64)], byteCount: 128, readers: 0, at: 1))
    let second = try #require(
      blocks.join([(c, 0), (a, 128), (b, 192)], byteCount: 256, readers: 1, at: 2))
    #expect(try offsets(of: second, c, a, b, first) == [0, 0, 128, 192, 128])
  }

  @Test("halves of a split are joined with what comes after, in the operand's own block")
  func splitAndJoined() throws {
    let x = add(128)
    let a = try #require(blocks.part(of: x, at: 0, 64, readers: 1))
    let b = try #require(blocks.part(of: x, at: 64, 64, readers: 2))
    let c = add(64, at: 1)
    let whole = try #require(blocks.join([(a, 0), (b, 64), (c, 128)], byteCount: 192, readers: 1, at: 2))
    #expect(try offsets(of: whole, a, b, c) == [0, 0, 64, 128])
  }

  @Test("a part cannot be at two places")
  func twice() {
    let a = add(64, readers: 2)
    #expect(blocks.join([(a, 0), (a, 64)], byteCount: 128, readers: 1, at: 1) == nil)
    let b = add(64)
    #expect(blocks.join([(a, 0), (b, 64)], byteCount: 128, readers: 1, at: 1) != nil)
    let c = add(64)
    #expect(blocks.join([(c, 0), (a, 64)], byteCount: 128, readers: 1, at: 2) == nil, "b would lie behind")
  }

  @Test("a block that holds more than the parts, or has them in another order, cannot be taken")
  func notTiled() throws {
    let x = add(128)
    let a = try #require(blocks.part(of: x, at: 0, 64, readers: 2))
    let b = try #require(blocks.part(of: x, at: 64, 64, readers: 2))
    let c = add(64)
    #expect(blocks.join([(a, 0), (c, 64)], byteCount: 128, readers: 1, at: 1) == nil)
    #expect(blocks.join([(c, 0), (b, 64)], byteCount: 128, readers: 1, at: 1) == nil)
    #expect(blocks.join([(b, 0), (a, 64)], byteCount: 128, readers: 1, at: 1) == nil)
    #expect(blocks.join([(a, 0), (c, 64), (b, 128)], byteCount: 192, readers: 1, at: 1) == nil)
    #expect(blocks.join([(a, 0), (b, 64)], byteCount: 128, readers: 1, at: 1) != nil)
  }

  @Test("a value that is smaller than its block is no whole block")
  func smaller() throws {
    let x = add(128)
    let y = try #require(blocks.replace(x, byteCount: 64, readers: 1))
    let z = add(64)
    #expect(blocks.join([(y, 0), (z, 64)], byteCount: 128, readers: 1, at: 1) == nil)
  }

  @Test("places between those that values start at, and outside of the whole, are refused")
  func places() {
    let (a, b) = (add(32), add(64))
    #expect(blocks.join([(a, 0), (b, 32)], byteCount: 96, readers: 1, at: 1) == nil)
    #expect(blocks.join([(b, 0), (a, 64)], byteCount: 64, readers: 1, at: 1) == nil)
    #expect(blocks.join([(b, 0), (a, .max - 63)], byteCount: 96, readers: 1, at: 1) == nil)
    #expect(blocks.join([(b, 0), (a, 0)], byteCount: 96, readers: 1, at: 1) == nil, "one on the other")
    #expect(blocks.join([(b, 0), (a, 64)], byteCount: 96, readers: 1, at: 1) != nil)
  }

  @Test("a part without bytes is nowhere")
  func empty() {
    let (a, none) = (add(64), add(0))
    #expect(blocks.join([(none, 0), (a, 0), (none, 64)], byteCount: 64, readers: 1, at: 1) != nil)
  }

  // MARK: Parts

  @Test("a range of a value starts where values start, and ends inside of it")
  func ranges() throws {
    let x = add(200)
    #expect(try offsets(of: x, #require(blocks.part(of: x, at: 64, 136, readers: 1))) == [0, 64])
    for (offset, byteCount) in [(32, 64), (128, 73), (256, 0), (-64, 64), (64, .max)] {
      #expect(blocks.part(of: x, at: offset, byteCount, readers: 1) == nil)
    }
  }

  // MARK: In place

  @Test("the last reader of a value may work in its place, an earlier one may not")
  func lastReader() throws {
    let (x, y) = (add(64), add(64, readers: 2))
    #expect(try offsets(of: x, #require(blocks.replace(x, byteCount: 64, readers: 1))) == [0, 0])
    #expect(blocks.replace(y, byteCount: 64, readers: 1) == nil)
    blocks.addReaders(-1, to: y)
    #expect(blocks.replace(y, byteCount: 128, readers: 1) == nil, "too small")
    #expect(blocks.replace(y, byteCount: 64, readers: 1) != nil)
  }

  @Test("a whole is not overwritten while somebody reads a part, nor a part while somebody reads the whole")
  func partsAndWhole() throws {
    let (a, b) = (add(64, readers: 1), add(64, readers: 0))
    let whole = try #require(blocks.join([(a, 0), (b, 64)], byteCount: 128, readers: 1, at: 1))
    #expect(blocks.replace(whole, byteCount: 128, readers: 1) == nil)
    #expect(blocks.replace(a, byteCount: 64, readers: 1) == nil)
    blocks.addReaders(-1, to: a)
    #expect(blocks.replace(whole, byteCount: 128, readers: 1) != nil)
  }

  @Test("a part is overwritten though somebody reads the one beside it")
  func besides() throws {
    let x = add(128, readers: 0)
    let a = try #require(blocks.part(of: x, at: 0, 64, readers: 1))
    let b = try #require(blocks.part(of: x, at: 64, 64, readers: 1))
    let c = try #require(blocks.replace(a, byteCount: 64, readers: 1))
    #expect(try offsets(of: x, b, c) == [0, 64, 0])
    #expect(blocks.part(of: b, at: 0, 64, readers: 1) != nil)
    #expect(blocks.replace(b, byteCount: 64, readers: 1) == nil, "the part of the part is read")
  }

  @Test("a copy in another layout is read as long as its original")
  func copies() throws {
    let original = add(64, readers: 2)
    let copy = blocks.add(64, readers: 0, at: 1, copyOf: original)
    let other = add(64, readers: 0)
    let whole = try #require(blocks.join([(copy, 0), (other, 64)], byteCount: 128, readers: 1, at: 2))
    #expect(blocks.replace(whole, byteCount: 128, readers: 1) == nil)
    blocks.addReaders(-2, to: original)
    #expect(blocks.replace(whole, byteCount: 128, readers: 1) != nil)
  }

  // MARK: Lifetimes

  // step   0 1 2 3 4
  // a      |=|         first part
  // b          |=|     second part
  // x        |=|       another block, between them
  // whole        |=|
  @Test("the block of a whole is kept from its first part's step to its last reader's")
  func lifetimes() throws {
    let a = add(64)
    blocks.touch(a, at: 1)
    let x = add(128, at: 1)
    blocks.touch(x, at: 2)
    let b = add(64, at: 2)
    let whole = try #require(blocks.join([(a, 0), (b, 64)], byteCount: 128, readers: 1, at: 3))
    blocks.touch(whole, at: 4)
    let late = add(256, at: 5)
    let layout = try blocks.planned()
    #expect(layout.byteCount == 256)
    #expect(abs(layout.offsets[x] - layout.offsets[whole]) >= 128)
    blocks.touch(b, at: 5)
    #expect(try blocks.planned().byteCount == 384, "a part that is read late keeps the whole")
    #expect(try blocks.planned().offsets[late] != blocks.planned().offsets[whole])
  }
}
