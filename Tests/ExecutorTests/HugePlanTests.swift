import Device
import Executor
import Linker
import ModelGraph
import Tensors
import Testing

@Suite("Plans of sizes near the largest Int") struct HugePlanTests {
  let models: TestModels
  let device = NullDevice()

  init() throws { models = try TestModels(device: device) }

  private func negation() throws -> LinkableModel {
    var graph = Graph(name: "negation")
    let x = graph.addValue("x", type: ValueType(.float32, [.symbol("n")]))
    let y = graph.addValue("y")
    graph.nodes = [Node(name: "negate", op: .unary(.negate), inputs: [x], outputs: [y])]
    (graph.inputs, graph.outputs) = ([x], [y])
    return try models.compile(graph)
  }

  @Test("arenas that fit no Int side by side are linked below one another")
  func arenas() throws {
    defer { models.remove() }
    // An arena of 2⁵⁸ bytes; forty take more than 2⁶³.
    let plan = try Planner(device: device, threads: [1]).plan(negation(), inputs: [(.float32, [1 << 56])])
    #expect(plan.arenaBytes == 1 << 58)
    let program = try FusedProgram.link(Array(repeating: plan, count: 40), lanes: 40, budget: .max / 4 * 3)
    #expect(program.members.count == 40)
    #expect(program.arenaBytes >= 1 << 58)
    let apart = try FusedProgram.link(
      Array(repeating: plan, count: 40), lanes: 40, budget: .max / 4 * 3,
      sources: (0..<40).map { $0 > 0 ? [$0 - 1] : [] })
    #expect(apart.arenaBytes == .max)
  }

  @Test("tensors that cannot be counted are refused with both sizes")
  func uncountable() throws {
    defer { models.remove() }
    let plan = try Planner(device: device, threads: [1]).plan(negation(), inputs: [(.float32, [4])])
    for bytes in [Int.max, .max - 1, .max - pageSize] {
      let error = #expect(throws: LinkError.self) {
        try FusedProgram.link(
          [plan], lanes: 1, budget: 1 << 20, memory: [MemberMemory(arenaBytes: 4096, requestBytes: bytes)])
      }
      #expect(error?.isTooLarge == true)
    }
  }
}
