import Device
import Executor
import Linker
import Tensors
import Testing

/// A plan that is gone must not be taken for one that lies where it lay.
@Suite("The numbers of plans") struct PlanNumberTests {
  @Test("a plan that was given back never shares its number with a later one")
  func numbers() throws {
    let bench = try TestBench()
    defer { bench.models.remove() }
    let model = try bench.models.chain("A", seeds: [1])
    var numbers = Set<UInt64>()
    for _ in 0..<100 {
      // Gone at the end of each turn: the planner keeps none, and the address is mostly given out again.
      let plan = try Planner(device: bench.device, threads: [1]).plan(model, inputs: [(.float32, [1, 128])])
      numbers.insert(plan.identityNumber)
    }
    #expect(numbers.count == 100)
  }
}
