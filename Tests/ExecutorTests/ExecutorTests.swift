import Device
import Dispatch
import Linker
import Residency
import Tensors
import Testing

import Executor

@Suite("Fused programs on the null device", .timeLimit(.minutes(10)))
struct ExecutorTests {
  @Test("kernel k runs while load k+1 is open")
  func overlap() async throws {
    // loads   w0 |==|   w1 |=============|
    // lane 0         k0 |=====|           k1 |==|
    let bench = try TestBench()
    defer { bench.models.remove() }
    let program = try bench.link([bench.models.chain("A", seeds: [1, 2])])
    let log = AnswerLog()
    let run = bench.start(program, log: log)
    let (first, second) = (bench.load(program, 0, step: 0), bench.load(program, 0, step: 1))
    try await bench.device.waitForLoad(first)
    try await bench.device.waitForLoad(second)
    #expect(bench.device.runningKernels.isEmpty)
    try await bench.device.completeLoad(first)
    try await bench.device.waitForKernel("A/k0")
    #expect(bench.device.openLoads == [second])
    try await bench.device.completeKernel("A/k0")
    try await bench.device.completeLoad(second)
    try await bench.device.waitForKernel("A/k1")
    try await bench.device.completeKernel("A/k1")
    #expect(try await run.value.map { try $0.get().outputs.count } == [1])
  }

  @Test("A's answer leaves while B's load is held")
  func answersEarly() async throws {
    // loads   A.w0 |==|  B.w0 |======================|
    // lane 0             A.k0 |==| answer A
    // lane 1                                           B.k0 |==| answer B
    let bench = try TestBench()
    defer { bench.models.remove() }
    let program = try bench.link([bench.models.chain("A", seeds: [1]), bench.models.chain("B", seeds: [2])])
    let log = AnswerLog()
    let run = bench.start(program, log: log)
    let held = bench.load(program, 1, step: 0)
    try await bench.device.waitForLoad(bench.load(program, 0, step: 0))
    try await bench.device.completeLoad(bench.load(program, 0, step: 0))
    try await bench.device.waitForKernel("A/k0")
    try await bench.device.completeKernel("A/k0")
    try await log.wait(for: 1)
    #expect(log.members == [0])
    #expect(bench.device.openLoads == [held])
    try await bench.device.completeLoad(held)
    try await bench.device.waitForKernel("B/k0")
    try await bench.device.completeKernel("B/k0")
    _ = await run.value
    #expect(log.members == [0, 1])
  }

  @Test("two lanes run kernels of two members at the same time")
  func lanes() async throws {
    // lane 0  A.k0 |=====|
    // lane 1   B.k0 |=====|
    let bench = try TestBench(manualLoads: false)
    defer { bench.models.remove() }
    let program = try bench.link([bench.models.chain("A", seeds: [1]), bench.models.chain("B", seeds: [2])])
    let run = bench.start(program, log: AnswerLog())
    try await bench.device.waitForKernel("A/k0")
    try await bench.device.waitForKernel("B/k0")
    #expect(Set(bench.device.runningKernels) == ["A/k0", "B/k0"])
    try await bench.device.completeKernel("B/k0")
    try await bench.device.completeKernel("A/k0")
    #expect(await run.value.count == 2)
  }

  @Test("members that do not fit together run in waves, all of them, within the budget")
  func waves() async throws {
    let probe = try TestBench()
    defer { probe.models.remove() }
    let one = try probe.link([probe.models.chain("A", seeds: [1, 2, 3])])
    let single = one.uniqueWeightBytes + one.arenaBytes + roundedToPages(one.members[0].plan.requestBytes)
    // Room for one member and half of another.
    let bench = try TestBench(budget: single * 3 / 2, manualLoads: false, manualKernels: false)
    defer { bench.models.remove() }
    let names = ["A", "B", "C", "D", "E"]
    let models = try names.enumerated().map { index, name in
      try bench.models.chain(name, seeds: [10 * index, 10 * index + 1, 10 * index + 2])
    }
    for _ in 0..<20 {
      let answers = await bench.start(try bench.link(models), log: AnswerLog()).value
      #expect(try answers.map { try $0.get().outputs.count } == [1, 1, 1, 1, 1])
    }
    #expect(bench.residency.snapshot.peakBytes <= bench.budget)
    #expect(bench.device.misuses == [])
  }

  @Test("a load that fails in the middle fails its member alone, and a later run loads again")
  func failedLoad() async throws {
    let bench = try TestBench(manualKernels: false)
    defer { bench.models.remove() }
    let models = [try bench.models.chain("A", seeds: [1, 2]), try bench.models.chain("B", seeds: [3])]
    let program = try bench.link(models)
    let run = bench.start(program, log: AnswerLog())
    for load in [bench.load(program, 0, step: 0), bench.load(program, 1, step: 0)] {
      try await bench.device.waitForLoad(load)
      try await bench.device.completeLoad(load)
    }
    let broken = bench.load(program, 0, step: 1)
    try await bench.device.waitForLoad(broken)
    try await bench.device.failLoad(broken, DeviceError(.load, "the disk is gone"))
    let answers = await run.value
    #expect(throws: (any Error).self) { try answers[0].get() }
    #expect(try answers[1].get().outputs.count == 1)

    let again = bench.start(try bench.link([models[0]]), log: AnswerLog())
    try await bench.device.waitForLoad(broken)
    try await bench.device.completeLoad(broken)
    #expect(try await again.value[0].get().outputs.count == 1)
  }

  @Test("one load serves all members that hold the extent")
  func shared() async throws {
    let bench = try TestBench(manualKernels: false)
    defer { bench.models.remove() }
    let program = try bench.link([
      bench.models.chain("A", seeds: [1, 2]), bench.models.chain("B", seeds: [1, 3]),
    ])
    #expect(program.loads.count == 3)
    #expect(program.uniqueWeightBytes == 3 * 65536)
    let run = bench.start(program, log: AnswerLog())
    for load in program.loads {
      try await bench.device.waitForLoad(load.extent.description)
      try await bench.device.completeLoad(load.extent.description)
    }
    let answers = try await run.value.map { try $0.get() }
    #expect(answers.map(\.outputs.count) == [1, 1])
    #expect(answers.reduce(0) { $0 + $1.timing.bytesLoaded } == 3 * 65536)
    #expect(bench.residency.snapshot.residentBytes >= 3 * 65536)
    #expect(bench.residency.snapshot.residentBytes < 4 * 65536)
  }

  @Test("what arrives before a member hears of its grant was brought in for it all the same")
  func bytesLoaded() async throws {
    // w0     |=====|
    // grant  |------ held up ------| A hears of it
    let bench = try TestBench(manualKernels: false)
    defer { bench.models.remove() }
    let program = try bench.link([bench.models.chain("A", seeds: [1])])
    let holder = try await bench.residency.reserve(owner: "all", items: [], exclusiveBytes: bench.budget)
    let goesOn = DispatchSemaphore(value: 0)
    defer { goesOn.signal() }
    bench.residency.onChange = { event in if case .granted("A", _) = event.change { goesOn.wait() } }
    let run = bench.start(program, log: AnswerLog())
    while bench.residency.snapshot.waiting != ["A"] { try? await Task.sleep(for: .milliseconds(1)) }
    DispatchQueue.global().async { holder.release() }
    try await bench.device.completeLoad(bench.load(program, 0, step: 0))
    goesOn.signal()
    #expect(try await run.value[0].get().timing.bytesLoaded == 65536)
    bench.residency.onChange = nil
    let warm = try await bench.start(program, log: AnswerLog()).value[0].get().timing
    #expect(warm.bytesLoaded == 0)
    #expect(warm.loaded == warm.granted)
  }

  @Test("a model larger than the budget is refused with both sizes")
  func tooLarge() throws {
    let bench = try TestBench(budget: 100_000)
    defer { bench.models.remove() }
    let model = try bench.models.chain("A", seeds: [1, 2])
    let error = #expect(throws: LinkError.self) { try bench.link([model]) }
    #expect(error?.description.contains("100000") == true)
    #expect(error?.description.contains("'A'") == true)
  }

  @Test("weights that became unreadable while a member ran fail it, and are not used again")
  func damaged() async throws {
    let bench = try TestBench(manualLoads: false)
    defer { bench.models.remove() }
    let program = try bench.link([bench.models.chain("A", seeds: [1])])
    let run = bench.start(program, log: AnswerLog())
    try await bench.device.waitForKernel("A/k0")
    bench.device.poison(bench.load(program, 0, step: 0))
    try await bench.device.completeKernel("A/k0")
    let answer = await run.value[0]
    let error = #expect(throws: ExecutorError.self) { try answer.get() }
    #expect(error?.description.contains("'A'") == true)
    #expect(bench.residency.snapshot.items.allSatisfy { $0.id != .extent(bench.load(program, 0, step: 0)) })
  }
}
