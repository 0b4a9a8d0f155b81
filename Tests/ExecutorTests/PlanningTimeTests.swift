import Device
import Executor
import Linker
import ModelGraph
import Synchronization
import Tensors
import Testing

/// One limit bounds everything that a plan takes to make. The clock ticks once a reading.
@Suite("The time that plans take") struct PlanningTimeTests {
  /// A clock that is a second later at each reading.
  private final class Clock: Sendable {
    private let start = ContinuousClock.now
    private let ticks = Atomic(0)
    var readings: Int { ticks.load(ordering: .relaxed) }
    func now() -> ContinuousClock.Instant {
      start + .seconds(ticks.wrappingAdd(1, ordering: .relaxed).newValue)
    }
  }

  private let models: TestModels
  private let device = NullDevice()

  init() throws { models = try TestModels(device: device) }

  private func planner(_ clock: Clock, seconds: Int) -> Planner {
    Planner(device: device, threads: [1], planningLimit: .seconds(seconds)) { clock.now() }
  }

  /// A chain whose results are joined: a plan in which they lie side by side is compared with one that copies them.
  private func joined(_ count: Int) throws -> LinkableModel {
    var graph = Graph(name: "joined")
    let x = graph.addValue("x", type: ValueType(.float32, [.known(1), .symbol("n")]))
    var parts: [ValueID] = []
    for index in 0..<count {
      let result = graph.addValue("y\(index)")
      let op = Op.unary(index % 2 == 0 ? .sine : .cosine)
      graph.nodes.append(Node(name: "y\(index)", op: op, inputs: [parts.last ?? x], outputs: [result]))
      parts.append(result)
    }
    let whole = graph.addValue("whole")
    graph.nodes.append(Node(name: "whole", op: .concat(axis: 0), inputs: parts, outputs: [whole]))
    let result = graph.addValue("result")
    graph.nodes.append(Node(name: "result", op: .unary(.tangent), inputs: [whole], outputs: [result]))
    (graph.inputs, graph.outputs) = ([x], [result])
    return try models.compile(graph)
  }

  @Test("a plan without any time is refused before its first kernel, as too large, and is not kept")
  func noTime() throws {
    defer { models.remove() }
    let clock = Clock()
    let planner = planner(clock, seconds: 0)
    let error = #expect(throws: LinkError.self) {
      try planner.plan(joined(2), inputs: [(.float32, [1, 16])])
    }
    #expect(error?.isTooLarge == true)
    #expect(error?.description.contains("longer than 0 s and stopped while shapes") == true)
    // When it began, and at the first check.
    #expect(clock.readings == 2)
    #expect(planner.usage == (0, 0))
  }

  @Test("what the specialisation takes is missing for the kernels")
  func shared() throws {
    defer { models.remove() }
    let model = try joined(20)
    let whole = Clock()
    _ = try planner(whole, seconds: 1000).plan(model, inputs: [(.float32, [1, 16])])
    // Each of two builds checks each of 22 nodes.
    let beside = whole.readings - 2 * 22
    #expect(beside > 2)
    let clock = Clock()
    let error = #expect(throws: LinkError.self) {
      try planner(clock, seconds: 22).plan(model, inputs: [(.float32, [1, 16])])
    }
    #expect(error?.isTooLarge == true)
    #expect(error?.description.contains("stopped at node") == true)
    #expect(clock.readings == 23)
  }

  @Test("a plan that has no time left to be compared with another is the plan")
  func noTimeToCompare() throws {
    defer { models.remove() }
    let model = try joined(20)
    let whole = Clock()
    let best = try planner(whole, seconds: 1000).plan(model, inputs: [(.float32, [1, 16])])
    let clock = Clock()
    let limit = whole.readings - 10
    let plan = try planner(clock, seconds: limit).plan(model, inputs: [(.float32, [1, 16])])
    #expect(plan.steps.map(\.name) == best.steps.map(\.name))
    #expect(!plan.steps.contains { $0.name == "whole" })
    // Both builds share one limit: the second ends where the time does.
    #expect(clock.readings == limit + 1)
  }
}
