import Foundation
import Device
import Executor
import Linker
import Residency
import Tensors
import Testing

@Suite("Members that may run on the thread that submits them", .timeLimit(.minutes(10)))
struct CallerTests {
  /// Records which answers came from the submitting thread.
  private final class Places: Sendable {
    private let seen = Locked<[Bool]>([])
    func note(_ isCaller: Bool) { seen.withLock { $0.append(isCaller) } }
    var areCallers: [Bool] { seen.withLock { $0 } }
  }

  private func submit(_ program: FusedProgram, to bench: TestBench, _ places: Places, ended: AnswerLog) throws
  {
    let input = try Tensor([Float](repeating: 1, count: 128), shape: [1, 128])
    // `pthread_self` is a constant for the compiler, which knows nothing of tasks that change threads.
    let caller = ObjectIdentifier(Thread.current)
    bench.executor.submit(
      program, inputs: program.members.map { _ in [input] }, way: .mapped, onCaller: true,
      onAnswer: { member, answer in
        places.note(ObjectIdentifier(Thread.current) == caller)
        ended.add(member, answer)
      }, onEnd: { _ in })
  }

  /// Returns when nothing runs, and the lanes have noticed.
  private func sleepingLanes(of bench: TestBench) async throws {
    while !bench.executor.isIdle { try await Task.sleep(for: .milliseconds(1)) }
  }

  @Test("one whose weights are there has answered when submitting returns; one that loads runs on a lane")
  func here() async throws {
    let bench = try TestBench(manualKernels: false)
    defer { bench.models.remove() }
    let program = try bench.link([bench.models.chain("A", seeds: [1, 2])])
    let (places, log) = (Places(), AnswerLog())
    try submit(program, to: bench, places, ended: log)
    for step in 0..<2 {
      try await bench.device.waitForLoad(bench.load(program, 0, step: step))
      try await bench.device.completeLoad(bench.load(program, 0, step: step))
    }
    try await log.wait(for: 1)
    for count in 2...4 {
      // Until then the arena of the run before may not be idle, and another one would be allocated.
      try await sleepingLanes(of: bench)
      try submit(program, to: bench, places, ended: log)
      #expect(log.members.count == count)
    }
    #expect(places.areCallers == [false, true, true, true])
    #expect(!bench.residency.snapshot.items.contains { $0.leases > 0 })
  }

  @Test("those that are together in a program run on lanes, but for one")
  func together() async throws {
    let bench = try TestBench(manualLoads: false, manualKernels: false)
    defer { bench.models.remove() }
    let program = try bench.link([bench.models.chain("A", seeds: [1]), bench.models.chain("B", seeds: [2])])
    let (places, log) = (Places(), AnswerLog())
    for count in [2, 4, 6] {
      try submit(program, to: bench, places, ended: log)
      try await log.wait(for: count)
      try await sleepingLanes(of: bench)
    }
    #expect((2...3).contains(places.areCallers.count { $0 }))
    #expect(log.members.sorted() == [0, 0, 0, 1, 1, 1])
  }

  // lane 0  A.k0 |========| B.k0 |==|
  // caller     submits B, goes on
  @Test("one that finds no lane asleep is left to the lanes, and submitting returns")
  func busy() async throws {
    let bench = try TestBench(threads: 1, manualLoads: false)
    defer { bench.models.remove() }
    let (a, b) = (
      try bench.link([bench.models.chain("A", seeds: [1])]),
      try bench.link([bench.models.chain("B", seeds: [2])])
    )
    let (places, log) = (Places(), AnswerLog())
    // B's weights come in, for the run that matters.
    let warm = bench.start(b, log: AnswerLog())
    try await bench.device.completeKernel("B/k0")
    _ = await warm.value
    try await sleepingLanes(of: bench)
    let run = bench.start(a, log: AnswerLog())
    try await bench.device.waitForKernel("A/k0")
    try submit(b, to: bench, places, ended: log)
    #expect(bench.device.runningKernels == ["A/k0"])
    try await bench.device.completeKernel("A/k0")
    try await bench.device.completeKernel("B/k0")
    try await log.wait(for: 1)
    _ = await run.value
    #expect(places.areCallers == [false])
  }

  @Test("work that comes while a lane's place is taken begins when it is given back")
  func givenBack() async throws {
    let bench = try TestBench(threads: 1, manualLoads: false)
    defer { bench.models.remove() }
    let (a, b) = (
      try bench.link([bench.models.chain("A", seeds: [1])]),
      try bench.link([bench.models.chain("B", seeds: [2])])
    )
    let warm = bench.start(a, log: AnswerLog())
    try await bench.device.completeKernel("A/k0")
    _ = await warm.value
    try await sleepingLanes(of: bench)
    let (places, log) = (Places(), AnswerLog())
    Thread { try? self.submit(a, to: bench, places, ended: log) }.start()
    try await bench.device.waitForKernel("A/k0")
    let other = AnswerLog()
    let run = bench.start(b, log: other)
    try await Task.sleep(for: .milliseconds(50))
    #expect(bench.device.runningKernels == ["A/k0"])
    try await bench.device.completeKernel("A/k0")
    try await bench.device.completeKernel("B/k0")
    _ = await run.value
    // The lane's place is given back before A's answer leaves, so B may have ended by then.
    try await log.wait(for: 1)
    #expect(places.areCallers == [true])
    #expect(other.members == [0])
  }
}
