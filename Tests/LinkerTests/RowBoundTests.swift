import Testing

import Linker

/// The number of rows that a rest is planned for.
@Suite("The rows that a rest is planned for")
struct RowBoundTests {
  @Test("cheap rows: the most so far, as a power of two")
  func wide() {
    let bound = RowBound(after: 1000)
    #expect(bound.rows(for: 3) == 16)
    bound.note(rows: 16, microseconds: 0.1)
    #expect(bound.rows(for: 16) == 16)
    #expect(bound.rows(for: 300) == 512)
    bound.note(rows: 512, microseconds: 3)
    #expect(bound.rows(for: 1) == 512)
    #expect(bound.isWide(512) && !bound.isWide(320))
  }

  @Test("expensive rows: the number itself, or a step above it")
  func steps() {
    let bound = RowBound(after: 1000)
    bound.note(rows: 16, microseconds: 1600)
    #expect(bound.rows(for: 3) == 4)
    #expect(bound.rows(for: 100) == 112)
    #expect(bound.rows(for: 128) == 128)
    for count in 1...2000 {
      let rows = bound.rows(for: count)
      #expect(rows >= count && rows <= count + count / 4 + 2)
    }
  }

  @Test("a long plan before it allows more")
  func allowance() {
    let bound = RowBound(after: 1_000_000)
    bound.note(rows: 16, microseconds: 1600)
    #expect(bound.rows(for: 100) == 128)
  }

  @Test("the largest number does not overflow")
  func largest() {
    #expect(RowBound(after: 1).rows(for: .max / 2) > 0)
  }
}
