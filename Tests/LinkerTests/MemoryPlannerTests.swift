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

  @Test("a block lies at the lowest offset where it fits between those that are needed with it")
  func gaps() throws {
    // bytes 0    512   1024  1536
    // step 0  A A A A A | B B B
    // step 2  C C | D - | B B B
    let layout = try planMemory([
      MemoryInterval(steps: 0...1, byteCount: 1024), MemoryInterval(steps: 0...3, byteCount: 512),
      MemoryInterval(steps: 2...3, byteCount: 448), MemoryInterval(steps: 2...3, byteCount: 256),
    ])
    #expect(layout.offsets == [0, 1024, 0, 448])
    #expect(layout.byteCount == 1536)
  }

  @Test("the largest blocks are placed first, so that small ones fill what is left")
  func largestFirst() throws {
    // Smallest first would put A at 0, B behind it, and C behind B.
    let layout = try planMemory([
      MemoryInterval(steps: 0...1, byteCount: 64), MemoryInterval(steps: 1...2, byteCount: 1024),
      MemoryInterval(steps: 2...3, byteCount: 1024),
    ])
    #expect(layout.offsets == [1024, 0, 1024])
    #expect(layout.byteCount == 2048)
  }

  @Test("of equal blocks the one that is needed first is placed first, then the one that is named first")
  func ties() throws {
    let layout = try planMemory([
      MemoryInterval(steps: 5...6, byteCount: 4096), MemoryInterval(steps: 0...5, byteCount: 4096),
      MemoryInterval(steps: 0...5, byteCount: 4096),
    ])
    #expect(layout.offsets == [8192, 0, 4096])
  }

  @Test(
    "every offset, and the whole, is a multiple of the alignment that is asked for", arguments: [1, 64, 256])
  func alignment(bytes: Int) throws {
    let layout = try planMemory(
      (0..<4).map { MemoryInterval(steps: 0...1, byteCount: 101 - $0) }, alignment: bytes)
    let unit = (101 + bytes - 1) / bytes * bytes
    #expect(layout.offsets == (bytes == 1 ? [0, 101, 201, 300] : (0..<4).map { $0 * unit }))
    #expect(layout.byteCount == (bytes == 1 ? 398 : 4 * unit))
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

  /// Greedy by size takes 5% more than the lower bound on such intervals, by first step 12%, smallest first 18%.
  @Test("random intervals take at most 8% more, all of them together, than the step that needs the most")
  func packing() throws {
    var (planned, bound) = (0, 0)
    for seed in 0..<200 {
      var generator = FixedSeed(state: UInt64(seed))
      let intervals = (0..<Int.random(in: 1...60, using: &generator)).map { _ in
        let start = Int.random(in: 0...40, using: &generator)
        return MemoryInterval(
          steps: start...(start + Int.random(in: 0...12, using: &generator)),
          byteCount: Int.random(in: 0...10_000, using: &generator))
      }
      let busiest = MemoryPlannerTests.busiest(intervals)
      planned += try planMemory(intervals).byteCount
      bound += busiest
      #expect(try planMemory(intervals).byteCount <= busiest * 3 / 2)
    }
    #expect(Double(planned) <= 1.08 * Double(bound))
  }

  /// Results that mostly the next step reads, and some a later one: greedy by size takes 1% more, smallest first 11%.
  @Test("the results of a network take at most 3% more than the step that needs the most")
  func packingOfNetworks() throws {
    var (planned, bound) = (0, 0)
    for seed in 0..<100 {
      var generator = FixedSeed(state: UInt64(seed))
      let intervals = (0..<60).map { step in
        let isShort = Int.random(in: 0..<5, using: &generator) > 0
        let end = isShort ? step + 1 : min(60, step + Int.random(in: 2...15, using: &generator))
        return MemoryInterval(steps: step...end, byteCount: 64 << Int.random(in: 0...10, using: &generator))
      }
      planned += try planMemory(intervals).byteCount
      bound += MemoryPlannerTests.busiest(intervals)
    }
    #expect(Double(planned) <= 1.03 * Double(bound))
  }

  /// Bytes of the step that needs the most: no layout takes less.
  private static func busiest(_ intervals: [MemoryInterval]) -> Int {
    (0...60).map { step in
      intervals.reduce(0) { $0 + ($1.steps.contains(step) ? $1.byteCount : 0) }
    }.max() ?? 0
  }

  @Test("twenty thousand blocks: no overlap, aligned, and gaps are used again")
  func manyBlocks() throws {
    var generator = FixedSeed(state: 7)
    let intervals = (0..<20_000).map { start in
      MemoryInterval(
        steps: start...(start + Int.random(in: 0...12, using: &generator)),
        byteCount: Int.random(in: 0...10_000, using: &generator))
    }
    let layout = try planMemory(intervals)
    var most = 0
    for (index, interval) in intervals.enumerated() where interval.byteCount > 0 {
      #expect(layout.offsets[index] % 64 == 0)
      #expect(layout.offsets[index] + interval.byteCount <= layout.byteCount)
      var together = 0
      for other in max(0, index - 12)..<index where intervals[other].steps.upperBound >= index {
        let (a, b) = (layout.offsets[index], layout.offsets[other])
        let apart = a + interval.byteCount <= b || b + intervals[other].byteCount <= a
        #expect(apart || intervals[other].byteCount == 0)
        together += intervals[other].byteCount
      }
      most = max(most, together + interval.byteCount)
    }
    #expect(layout.byteCount >= most)
    #expect(layout.byteCount <= 2 * most)
    // Outputs stay to the end: all of them at once.
    let outputs = try planMemory((0..<20_000).map { MemoryInterval(steps: $0...20_000, byteCount: 64) })
    #expect(outputs.byteCount == 20_000 * 64)
    #expect(Set(outputs.offsets).count == 20_000)
    #expect(throws: LinkError.self) {
      try planMemory((0..<5000).map { _ in MemoryInterval(steps: 0...1, byteCount: Int.max / 4 + 1) })
    }
    #expect(throws: LinkError.self) {
      try planMemory((0..<5000).map { _ in MemoryInterval(steps: 0...1, byteCount: Int.max / 4096) })
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
    #expect(layout.byteCount >= MemoryPlannerTests.busiest(intervals))
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

  @Test("columns that just fit are taken")
  func justFits() {
    #expect(placeArenas(demands, lanes: 2, limit: 170).byteCount == 170)
    #expect(placeArenas(demands, lanes: 2, limit: 169).predecessors.count { $0 == nil } == 1)
    #expect(placeArenas(demands, lanes: 4, limit: 240).byteCount == 240)
    // 100 | 70 | 40, then 30 behind it: three columns of 210.
    #expect(placeArenas(demands, lanes: 4, limit: 239).byteCount == 210)
  }

  @Test("the longest runs first, not the largest; of equal ones the first; each where the wait is shortest")
  func longestFirst() {
    func place(_ members: [(bytes: Int, cost: Double)], lanes: Int) -> ArenaPlacement {
      placeArenas(
        members.map { ArenaDemand(byteCount: $0.bytes, cost: $0.cost) }, lanes: lanes, limit: 1000)
    }
    #expect(place([(10, 1), (20, 5), (30, 3)], lanes: 1).predecessors == [2, nil, 1])
    #expect(place([(10, 1), (20, 1), (30, 1)], lanes: 1).predecessors == [nil, 0, 1])
    // lane 0: 9    lane 1: 5, 3, 2
    let placement = place([(10, 2), (20, 3), (30, 5), (40, 9)], lanes: 2)
    #expect(placement.predecessors == [1, 2, nil, nil])
    #expect(placement.offsets == [40, 40, 40, 0])
    #expect(placement.byteCount == 70)
  }

  @Test("members that are fewer than lanes, and none")
  func few() {
    #expect(placeArenas(Array(demands.prefix(1)), lanes: 8, limit: 1000).byteCount == 100)
    let none = placeArenas([], lanes: 8, limit: 1000)
    #expect(none.offsets.isEmpty && none.predecessors.isEmpty && none.byteCount == 0)
    #expect(placeArenas(demands, lanes: 0, limit: 1000).byteCount == 100)
  }

  @Test("a member that is larger than the limit alone is placed all the same")
  func tooLarge() {
    let placement = placeArenas(demands, lanes: 4, limit: 0)
    #expect(placement.byteCount == 100)
    #expect(placement.offsets == [0, 0, 0, 0])
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
