import Device
import Executor
import Linker
import Tensors
import Testing

@Suite("Members that take outputs of others: decisions") struct DataEdgeTests {
  // A ─┬─ B ─┬─ D
  //    └─ C ─┘
  private static let diamond = [[], [0], [0], [1, 2]]

  private func machine(_ sources: [[Int]]) -> ProgramState {
    ProgramState(predecessors: sources.map { _ in nil }, sources: sources)
  }

  @Test("weights of all come in early; each starts when its sources have answered")
  func roomForAll() {
    // A  granted |====|
    // B   granted      |==|
    // C   granted      |======|
    // D    granted             |==|
    var state = machine(Self.diamond)
    #expect(state.submitted() == [.reserve(0)])
    #expect(state.granted(0) == [.start(0), .reserveEarly(1), .reserveEarly(2)])
    #expect(state.granted(1) == [])
    #expect(state.granted(2) == [.reserveEarly(3)])
    #expect(state.granted(3) == [])
    #expect(state.ended(0) == [.start(1), .start(2)])
    #expect(state.ended(1) == [])
    #expect(state.ended(2) == [.start(3)])
    #expect(state.ended(3) == [.finish])
  }

  @Test("where there is no room a member holds nothing until its sources have answered")
  func noRoom() {
    // A  granted |====| gives its memory back
    // B   postponed    asks, granted |==|
    var state = machine([[], [0]])
    _ = state.submitted()
    #expect(state.granted(0) == [.start(0), .reserveEarly(1)])
    #expect(state.postponed(1) == [])
    #expect(state.ended(0) == [.reserve(1)])
    #expect(state.granted(1) == [.start(1)])
    #expect(state.ended(1) == [.finish])
  }

  @Test("news that there is no room may come after the sources have answered")
  func lateNews() {
    var state = machine([[], [0]])
    _ = state.submitted()
    _ = state.granted(0)
    #expect(state.ended(0) == [])
    #expect(state.postponed(1) == [.reserve(1)])
  }

  @Test("nobody is reserved for while a source of it still waits for its memory")
  func noHoldingWhileASourceWaits() {
    // A  asked ...............|
    // B  granted |==|          C takes both: asked when A is granted
    var state = machine([[], [], [0, 1]])
    #expect(state.submitted() == [.reserve(0), .reserve(1)])
    #expect(state.granted(1) == [.start(1)])
    #expect(state.ended(1) == [])
    #expect(state.granted(0) == [.start(0), .reserveEarly(2)])
  }

  @Test("a source that runs again elsewhere, and may wait for memory, keeps its readers from holding any")
  func vacated() {
    var state = machine([[], [], [0, 1]])
    _ = state.submitted()
    _ = state.granted(0)
    #expect(state.vacated(0) == [])
    #expect(state.granted(1) == [.start(1)])
    #expect(state.ended(0) == [.reserveEarly(2)])
  }

  @Test("who reads of one that failed fails by its name, others go on")
  func failure() {
    // A x      B fails of A, C of B
    // D |====| E |==|
    var state = machine([[], [0], [1], [], [3]])
    _ = state.submitted()
    _ = state.granted(0)
    #expect(state.granted(3) == [.start(3), .reserveEarly(4)])
    #expect(state.ended(0, failed: true) == [.fail(1, source: 0)])
    // Its early reservation comes late.
    #expect(state.isFailing(1) && state.granted(1) == [])
    #expect(state.ended(1, failed: true) == [.fail(2, source: 1)])
    #expect(state.ended(2, failed: true) == [])
    #expect(state.granted(4) == [])
    #expect(state.ended(3) == [.start(4)])
    #expect(state.ended(4) == [.finish])
  }

  @Test("one of whose sources two fail, fails once")
  func twoFailures() {
    var state = machine([[], [], [0, 1]])
    _ = state.submitted()
    #expect(state.ended(0, failed: true) == [.fail(2, source: 0)])
    #expect(state.ended(1, failed: true) == [])
    #expect(state.ended(2, failed: true) == [.finish])
  }
}

@Suite("Members that take outputs of others on the null device", .timeLimit(.minutes(10)))
struct DataEdgeRunTests {
  /// A program of chains of one weight each.
  private func program(_ bench: TestBench, _ sources: [[Int]]) throws -> FusedProgram {
    let models = try sources.indices.map { index in
      try bench.models.chain("M\(index)", seeds: [100 + index])
    }
    return try FusedProgram.link(
      models.map { try bench.planner.plan($0, inputs: [(.float32, [1, 128])]) }, lanes: bench.executor.lanes,
      budget: bench.budget, sources: sources)
  }

  private func start(
    _ bench: TestBench, _ program: FusedProgram, log: AnswerLog = AnswerLog(), feeds: AnswerLog = AnswerLog()
  ) throws -> Task<[Result<MemberAnswer, any Error>], Never> {
    let input = try Tensor([Float](repeating: 1, count: 128), shape: [1, 128])
    return Task { [executor = bench.executor] in
      await executor.run(
        program, inputs: program.members.map { _ in [input] }, way: .mapped,
        feed: { member in
          guard Set(log.members).isSuperset(of: program.members[member].sources) else { throw Missing() }
          feeds.add(member, .failure(Missing()))
          return [input]
        }, onAnswer: { log.add($0, $1) })
    }
  }

  private struct Missing: Error {}

  @Test("a reader's weights load while its source runs")
  func earlyLoads() async throws {
    // loads   M0 |==| M1 |==|
    // lane           k0 |=========| k0 of M1 |==|
    let bench = try TestBench()
    defer { bench.models.remove() }
    let program = try program(bench, [[], [0]])
    let run = try start(bench, program)
    let loads = program.loads.map(\.extent.description)
    for load in loads { try await bench.device.waitForLoad(load) }
    for load in loads { try await bench.device.completeLoad(load) }
    try await bench.device.waitForKernel("M0/k0")
    #expect(bench.device.runningKernels == ["M0/k0"])
    try await bench.device.completeKernel("M0/k0")
    try await bench.device.completeKernel("M1/k0")
    #expect(try await run.value.map { try $0.get().outputs.count } == [1, 1])
  }

  @Test("a diamond that needs more than the budget at once runs member after member, within it")
  func tightBudget() async throws {
    let probe = try TestBench()
    defer { probe.models.remove() }
    let one = try program(probe, [[]])
    let single = one.uniqueWeightBytes + one.arenaBytes + roundedToPages(one.members[0].plan.requestBytes)
    for budget in [single, single * 3 / 2, single * 2, single * 4] {
      let bench = try TestBench(budget: budget, manualLoads: false, manualKernels: false)
      defer { bench.models.remove() }
      let program = try program(bench, [[], [0], [0], [1, 2]])
      // Several at once stand in each other's way the most.
      let runs = try (0..<8).map { _ in try start(bench, program) }
      for run in runs { #expect(try await run.value.map { try $0.get().outputs.count } == [1, 1, 1, 1]) }
      #expect(bench.residency.snapshot.peakBytes <= budget)
      #expect(bench.residency.snapshot.waiting.isEmpty)
      #expect(bench.device.misuses == [])
    }
  }

  @Test("a load that fails, fails its member and those that read of it")
  func failedLoad() async throws {
    // M0 x    M1 reads of it    M2 |==| M3
    let bench = try TestBench(manualKernels: false)
    defer { bench.models.remove() }
    let program = try program(bench, [[], [0], [], [2]])
    let (log, feeds) = (AnswerLog(), AnswerLog())
    let run = try start(bench, program, log: log, feeds: feeds)
    let broken = bench.load(program, 0, step: 0)
    for load in program.loads.map(\.extent.description) {
      try await bench.device.waitForLoad(load)
      if load == broken {
        try await bench.device.failLoad(load, DeviceError(.load, "the disk is gone"))
      } else {
        try await bench.device.completeLoad(load)
      }
    }
    let answers = await run.value
    #expect(throws: (any Error).self) { try answers[0].get() }
    let error = #expect(throws: ExecutorError.self) { try answers[1].get() }
    #expect(error?.description.contains("'M0'") == true)
    #expect(try answers[2].get().outputs.count == 1)
    #expect(try answers[3].get().outputs.count == 1)
    #expect(feeds.members == [3])
    #expect(Set(log.members) == [0, 1, 2, 3])
    #expect(bench.residency.snapshot.items.allSatisfy { $0.leases == 0 })
  }
}
