import Device
import Executor
import Linker
import ModelGraph
import Tensors
import Testing

/// A plan that no member can run is refused when it is made.
@Suite("Plans and the budget") struct PlanBudgetTests {
  let models: TestModels
  let device = NullDevice()

  init() throws { models = try TestModels(device: device) }

  // x ─┬─ a ─┬─ ab ─┬─ abcd       a, b, c and d are needed together: more than the operands of any node
  //    ├─ b ─┘      │
  //    ├─ c ─┬─ cd ─┘
  //    └─ d ─┘
  private func wide() throws -> LinkableModel {
    var graph = Graph(name: "wide")
    let x = graph.addValue("x", type: ValueType(.float32, [.symbol("n")]))
    func node(_ name: String, _ op: Op, _ inputs: ValueID...) -> ValueID {
      let output = graph.addValue(name)
      graph.nodes.append(Node(name: name, op: op, inputs: inputs, outputs: [output]))
      return output
    }
    let a = node("a", .unary(.sine), x), b = node("b", .unary(.cosine), x)
    let c = node("c", .unary(.tangent), x), d = node("d", .unary(.arcTangent), x)
    let ab = node("ab", .binary(.add), a, b), cd = node("cd", .binary(.add), c, d)
    (graph.inputs, graph.outputs) = ([x], [node("abcd", .binary(.add), ab, cd)])
    return try models.compile(graph)
  }

  private func planner(_ budget: Int) -> Planner { Planner(device: device, threads: [1], budget: budget) }

  @Test("a plan that takes one byte more than the budget is refused with both sizes, and not kept")
  func refused() throws {
    defer { models.remove() }
    let model = try wide()
    let inputs: [(ElementType, Shape)] = [(.float32, [100_000])]
    let plan = try planner(.max).plan(model, inputs: inputs)
    let needed = plan.reservedExtentBytes + plan.arenaBytes + roundedToPages(plan.requestBytes)
    let small = planner(needed - 1)
    for _ in 0..<2 {
      let error = #expect(throws: LinkError.self) { try small.plan(model, inputs: inputs) }
      #expect(error?.isTooLarge == true)
      // Known only now, not from shapes alone.
      #expect(error?.description.contains("at least") == false)
      #expect(error?.description.contains("\(needed - 1) bytes") == true, "\(String(describing: error))")
      #expect(try small.cachedPlan(model, inputs: inputs) == nil)
      #expect(small.usage == (0, 0))
    }
    #expect(try planner(needed).plan(model, inputs: inputs).arenaBytes == plan.arenaBytes)
    // A smaller input of the same model is planned as before.
    #expect(try small.plan(model, inputs: [(.float32, [50_000])]).arenaBytes < plan.arenaBytes)
  }
}
