import Device
import Executor
import Residency
import Testing

@Suite("Weights that cannot be read any more", .timeLimit(.minutes(10))) struct DamageTests {
  @Test("an error that came of unreadable weights is told as that, and all of them leave")
  func errorAfterDamage() async throws {
    // file    |==| cut short
    // lane 0  k0 |==|  k1 |=x  what it read makes no sense to it
    let bench = try TestBench(manualLoads: false)
    defer { bench.models.remove() }
    let program = try bench.link([bench.models.chain("A", seeds: [1, 2])])
    let run = bench.start(program, log: AnswerLog())
    try await bench.device.waitForKernel("A/k0")
    for step in 0..<2 { bench.device.poison(bench.load(program, 0, step: step)) }
    try await bench.device.completeKernel("A/k0")
    try await bench.device.waitForKernel("A/k1")
    try await bench.device.failKernel("A/k1", DeviceError(.invalidArgument, "an index is out of range"))
    let answer = await run.value[0]
    let error = #expect(throws: ExecutorError.self) { try answer.get() }
    #expect(error?.description.contains("'fusedinf verify A'") == true)
    let resident = Set(bench.residency.snapshot.items.map(\.id))
    #expect(resident.isDisjoint(with: (0..<2).map { .extent(bench.load(program, 0, step: $0)) }))
  }
}
