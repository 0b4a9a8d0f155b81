import Device
import Engine
import Linker
import ModelGraph
import Tensors
import Testing

import Scheduler

@Suite("Requests that exceed the budget, on the null device", .timeLimit(.minutes(10)))
struct PlanBudgetTests {
  // x ─┬─ a ─┬─ ab      a, b and c are needed together: more than the operands of any node
  //    ├─ b ─┘
  //    └─ c ───── abc
  private func wide(_ test: TestEngine) throws -> LinkableModel {
    var graph = Graph(name: "wide")
    let x = graph.addValue("x", type: ValueType(.float32, [.symbol("n")]))
    func node(_ name: String, _ op: Op, _ inputs: ValueID...) -> ValueID {
      let output = graph.addValue(name)
      graph.nodes.append(Node(name: name, op: op, inputs: inputs, outputs: [output]))
      return output
    }
    let a = node("a", .unary(.sine), x), b = node("b", .unary(.cosine), x), c = node("c", .unary(.tangent), x)
    let ab = node("ab", .binary(.add), a, b)
    (graph.inputs, graph.outputs) = ([x], [node("abc", .binary(.add), ab, c)])
    return try test.compile(graph)
  }

  @Test("a request whose plan exceeds the budget is answered so, and never dispatched; a smaller one runs")
  func neverDispatched() async throws {
    let size = 100_000
    let probe = try TestEngine()
    let plan = try probe.engine.planner.plan(wide(probe), inputs: [(.float32, try Shape(checking: [size]))])
    let test = try TestEngine(budget: plan.reservedExtentBytes + plan.extraBytes - 1)
    let model = try wide(test)
    let dispatched = Locked(0)
    test.scheduler.onEvent = { event in
      if case .dispatched = event { dispatched.withLock { $0 += 1 } }
    }
    for _ in 0..<2 {
      let input = try Tensor([Float](repeating: 1, count: size), shape: Shape(checking: [size]))
      let error = await #expect(throws: LinkError.self) {
        try await test.scheduler.run(ScheduledRequest(model: model, inputs: [input]))
      }
      #expect(error?.isTooLarge == true)
    }
    #expect(dispatched.withLock { $0 } == 0)
    #expect(test.scheduler.checkInvariants() == [])
    let small = try Tensor([Float](repeating: 1, count: 10), shape: [10])
    _ = try await test.scheduler.run(ScheduledRequest(model: model, inputs: [small]))
    #expect(dispatched.withLock { $0 } == 1)
  }
}
