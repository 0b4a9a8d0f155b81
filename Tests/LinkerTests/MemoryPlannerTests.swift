import Testing

import Linker

/// Numbers that are the same at every run.
struct FixedSeed: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ (state >> 29)
  }
}

@Suite("The memory planner")
struct MemoryPlannerTests {
  @Test("blocks that are never needed together share their bytes")
  func sharing() throws {
    let layout = try planMemory([
      MemoryInterval(steps: 0...1, byteCount: 1000), MemoryInterval(steps: 2...3, byteCount: 800),
    ])
    #expect(layout.offsets == [0, 0])
    #expect(layout.byteCount == 1024)
  }

  @Test("a chain of equal blocks takes the room of two")
  func chain() throws {
    let layout = try planMemory((0..<50).map { MemoryInterval(steps: $0...($0 + 1), byteCount: 4096) })
    #expect(layout.byteCount == 2 * 4096)
  }

  @Test("blocks of no bytes take no room")
  func empty() throws {
    #expect(try planMemory([]).byteCount == 0)
    #expect(try planMemory([MemoryInterval(steps: 0...9, byteCount: 0)]).byteCount == 0)
  }

  @Test("a sum that does not fit an Int is an error, not a trap")
  func overflow() {
    #expect(throws: LinkError.self) {
      try planMemory((0..<3).map { _ in MemoryInterval(steps: 0...1, byteCount: Int.max / 2 - 64) })
    }
  }

  @Test("for random intervals: no overlap, aligned, never below the lower bound", arguments: 0..<200)
  func random(seed: Int) throws {
    var generator = FixedSeed(state: UInt64(seed))
    let intervals = (0..<Int.random(in: 1...60, using: &generator)).map { _ in
      let start = Int.random(in: 0...40, using: &generator)
      return MemoryInterval(
        steps: start...(start + Int.random(in: 0...12, using: &generator)),
        byteCount: Int.random(in: 0...10_000, using: &generator))
    }
    let layout = try planMemory(intervals)
    for (index, interval) in intervals.enumerated() {
      #expect(layout.offsets[index] % 64 == 0)
      #expect(layout.offsets[index] + interval.byteCount <= layout.byteCount)
      for other in 0..<index where intervals[other].steps.overlaps(interval.steps) {
        let (a, b) = (layout.offsets[index], layout.offsets[other])
        let apart = a + interval.byteCount <= b || b + intervals[other].byteCount <= a
        #expect(apart || interval.byteCount == 0 || intervals[other].byteCount == 0)
      }
    }
    let busiest =
      (0...60).map { step in
        intervals.reduce(0) { $0 + ($1.steps.contains(step) ? $1.byteCount : 0) }
      }.max() ?? 0
    #expect(layout.byteCount >= busiest)
  }
}

@Suite("The arena planner")
struct ArenaPlannerTests {
  private let demands = [100, 40, 70, 30].map { ArenaDemand(byteCount: $0, cost: Double($0)) }

  @Test("as many members as lanes lie side by side")
  func sideBySide() {
    let placement = placeArenas(demands, lanes: 4, limit: 1000)
    #expect(placement.byteCount == 240)
    #expect(placement.predecessors == [nil, nil, nil, nil])
  }

  @Test("with two lanes the members of a column follow one another and share its bytes")
  func columns() {
    // lane 0: 100, then 30     lane 1: 70, then 40
    let placement = placeArenas(demands, lanes: 2, limit: 1000)
    #expect(placement.byteCount == 170)
    #expect(placement.predecessors == [nil, 2, nil, 0])
  }

  @Test("when the columns do not fit there are fewer of them, and one always does")
  func narrow() {
    let placement = placeArenas(demands, lanes: 4, limit: 120)
    #expect(placement.byteCount == 100)
    #expect(placement.predecessors.count { $0 == nil } == 1)
  }

  @Test("members whose shares overlap are ordered", arguments: 0..<100)
  func ordered(seed: Int) {
    var generator = FixedSeed(state: UInt64(seed))
    let demands = (0..<Int.random(in: 1...12, using: &generator)).map { _ in
      ArenaDemand(
        byteCount: Int.random(in: 1...500, using: &generator),
        cost: Double.random(in: 0...9, using: &generator))
    }
    let placement = placeArenas(
      demands, lanes: Int.random(in: 1...4, using: &generator),
      limit: Int.random(in: 0...900, using: &generator))
    func chain(_ member: Int) -> [Int] { [member] + (placement.predecessors[member].map(chain) ?? []) }
    for a in demands.indices {
      #expect(placement.offsets[a] + demands[a].byteCount <= placement.byteCount)
      for b in 0..<a {
        let overlap =
          placement.offsets[a] < placement.offsets[b] + demands[b].byteCount
          && placement.offsets[b] < placement.offsets[a] + demands[a].byteCount
        if overlap { #expect(chain(a).contains(b) || chain(b).contains(a)) }
      }
    }
  }
}
