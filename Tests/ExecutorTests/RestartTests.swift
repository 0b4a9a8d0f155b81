import Device
import Executor
import Linker
import Residency
import Tensors
import Testing

@Suite("Members that run again with less memory", .timeLimit(.minutes(10)))
struct RestartTests {
  // holder |=============|
  // A       refused       granted, fed |==|
  @Test("a member that runs again takes its inputs once it has memory for them")
  func inputsUnderTheReservation() async throws {
    let bench = try TestBench(budget: 1 << 20, manualLoads: false, manualKernels: false)
    defer { bench.models.remove() }
    let plan = try bench.planner.plan(bench.models.chain("A", seeds: [1]), inputs: [(.float32, [1, 128])])
    // More than the budget: what the plan has learned of earlier runs may be.
    let program = try FusedProgram.link(
      [plan], lanes: 1, budget: 1 << 30,
      memory: [MemberMemory(arenaBytes: 1 << 21, requestBytes: plan.requestBytes)])
    let holder = try await bench.residency.reserve(
      owner: "holder", items: [], exclusiveBytes: bench.budget - pageSize)
    let feeds = Locked(0)
    let input = try Tensor([Float](repeating: 1, count: 128), shape: [1, 128])
    let run = Task { [executor = bench.executor] in
      await executor.run(
        program, inputs: [], way: .mapped,
        feed: { _ in
          feeds.withLock { $0 += 1 }
          return [input]
        })
    }
    while bench.residency.snapshot.waiting.isEmpty { try? await Task.sleep(for: .milliseconds(1)) }
    #expect(feeds.withLock { $0 } == 0, "its inputs are made while it holds nothing")
    holder.release()
    #expect(try await run.value.map { try $0.get().outputs.count } == [1])
    #expect(feeds.withLock { $0 } == 1)
  }
}
