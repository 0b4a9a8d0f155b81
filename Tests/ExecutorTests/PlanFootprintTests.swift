import Device
import Linker
import ModelGraph
import Tensors
import Testing

/// Everything that a cached plan keeps alive is counted, since the cap of the cache relies on these counts
/// alone.
@Suite struct PlanFootprintTests {
  let models: TestModels
  let planner: Planner

  init() throws {
    let device = NullDevice()
    models = try TestModels(device: device)
    planner = Planner(device: device, threads: [1])
  }

  /// Too small to become a weight of the file: the graph keeps it.
  private static let constant = Result {
    try Tensor((0..<1000).map { Int64($0) }, shape: [1000])
  }

  private func footprint(_ graph: Graph) throws -> (bytes: Int, kernels: Int, plan: Plan) {
    let plan = try planner.plan(try models.compile(graph), inputs: [(.float32, [1, 128])])
    return (plan.footprint, plan.steps.reduce(0) { $0 + $1.kernel.footprint }, plan)
  }

  @Test("what follows from shapes alone, and leaves as it is")
  func constantOutput() throws {
    defer { models.remove() }
    var graph = Graph(name: "constant")
    let x = graph.addValue("x", type: ValueType(.float32, [1, 128]))
    let y = graph.addConstant("y", try Self.constant.get())
    (graph.inputs, graph.outputs) = ([x], [y])
    let (bytes, kernels, _) = try footprint(graph)
    #expect(bytes - kernels >= 8000)
  }

  @Test("the rest that is planned when data are known, with its constants")
  func continuation() throws {
    defer { models.remove() }
    var graph = Graph(name: "rest")
    let x = graph.addValue("x", type: ValueType(.float32, [1, 128]))
    let found = graph.addValue("found")
    let table = graph.addConstant("table", try Self.constant.get())
    let y = graph.addValue("y")
    graph.nodes = [
      Node(name: "find", op: .nonZero, inputs: [x], outputs: [found]),
      Node(name: "look", op: .gather(axis: 0), inputs: [table, found], outputs: [y]),
    ]
    (graph.inputs, graph.outputs) = ([x], [y])
    let (bytes, kernels, plan) = try footprint(graph)
    #expect(plan.continuation?.graph.constants.count == 1)
    #expect(bytes - kernels >= 8000)
  }
}
