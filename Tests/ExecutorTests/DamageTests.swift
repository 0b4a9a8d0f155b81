import Device
import Executor
import Foundation
import Linker
import ModelStore
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

  @Test("what fails to load from a file is loaded from the whole one that has its path now")
  func replacedFile() async throws {
    // load      |== of the old file ==|failed |== of the new file ==|
    // member 0  granted                                              answers
    // member 1   granted                                             answers
    let bench = try TestBench(manualKernels: false)
    defer { bench.models.remove() }
    let old = try bench.models.chain("A", seeds: [1])
    let bytes = try Data(contentsOf: URL(fileURLWithPath: old.file.path))
    try FileManager.default.removeItem(atPath: old.file.path)
    try bytes.write(to: URL(fileURLWithPath: old.file.path))
    let new = try LinkableModel(CompiledModel.open(old.file.path))
    let program = try bench.link([old, new])
    let weight = bench.load(program, 0, step: 0)
    let run = bench.start(program, log: AnswerLog())
    while bench.residency.snapshot.items.first(where: { $0.id == .extent(weight) })?.leases != 2 {
      try await Task.sleep(for: .milliseconds(1))
    }
    try await bench.device.failLoad(weight)
    try await bench.device.completeLoad(weight)
    for answer in await run.value { #expect(try answer.get().outputs.count == 1) }
  }
}
