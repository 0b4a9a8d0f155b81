import Device
import Linker
import ModelGraph
import Tensors
import Testing

/// All plans together keep at most the capacity: those in the cache, those that only requests hold, and those being made.
@Suite struct PlanCapacityTests {
  let models: TestModels
  let device = NullDevice()

  init() throws { models = try TestModels(device: device) }

  /// A model that takes any number of rows, and its plan's bytes.
  private func rows(_ name: String) throws -> LinkableModel {
    var graph = Graph(name: name)
    let x = graph.addValue("x", type: ValueType(.float32, [.symbol("n"), .known(4)]))
    let y = graph.addValue("y")
    graph.nodes = [Node(name: "negate", op: .unary(.negate), inputs: [x], outputs: [y])]
    (graph.inputs, graph.outputs) = ([x], [y])
    return try models.compile(graph)
  }

  private func planner(plans: Int, of model: LinkableModel) throws -> Planner {
    let probe = Planner(device: device, threads: [1])
    return Planner(
      device: device, threads: [1],
      capacity: plans * (try probe.plan(model, inputs: [(.float32, [1, 4])]).footprint)
        + Planner.workingCopies * model.graph.footprint)
  }

  @Test("ten thousand shapes never keep more than the capacity, and the last used ones stay")
  func shapes() throws {
    defer { models.remove() }
    let model = try rows("rows")
    let planner = try planner(plans: 10, of: model)
    let first = ObjectIdentifier(try planner.plan(model, inputs: [(.float32, [1, 4])]))
    for size in 2...10_000 {
      _ = try planner.plan(model, inputs: [(.float32, [size, 4])])
      // Read again and again, so it stays.
      let kept = try #require(try planner.cachedPlan(model, inputs: [(.float32, [1, 4])]))
      #expect(ObjectIdentifier(kept) == first)
      #expect(planner.usage.bytes <= planner.capacity)
    }
    #expect(planner.usage.plans == 10)
    #expect(try planner.cachedPlan(model, inputs: [(.float32, [9_999, 4])]) != nil)
    #expect(try planner.cachedPlan(model, inputs: [(.float32, [9_000, 4])]) == nil)
  }

  @Test("plans that requests hold count: one more is refused for the moment, and made when one is given back")
  func plansInUse() throws {
    defer { models.remove() }
    let model = try rows("rows")
    let planner = try planner(plans: 3, of: model)
    var held = try (1...3).map { try planner.plan(model, inputs: [(.float32, [$0, 4])]) }
    let error = #expect(throws: LinkError.self) { try planner.plan(model, inputs: [(.float32, [4, 4])]) }
    #expect(error?.isTemporary == true)
    #expect(error?.isTooLarge == false)
    #expect(planner.usage.bytes <= planner.capacity)
    held.removeFirst()
    _ = try planner.plan(model, inputs: [(.float32, [4, 4])])
    #expect(try planner.cachedPlan(model, inputs: [(.float32, [1, 4])]) == nil)
    #expect(planner.usage.plans == 3)
  }

  @Test("a plan in use is passed over, however many were dropped after it, and leaves once it is idle")
  func passedOver() throws {
    defer { models.remove() }
    let (kept, dropped) = (try rows("kept"), try rows("dropped"))
    let planner = try planner(plans: 100, of: kept)
    var held: Plan? = try planner.plan(kept, inputs: [(.float32, [1, 4])])
    let others = try (1...99).map { try planner.plan(dropped, inputs: [(.float32, [$0, 4])]) }
    planner.forget(dropped)
    try withExtendedLifetime(others) {
      let error = withExtendedLifetime(held) {
        #expect(throws: LinkError.self) { try planner.plan(kept, inputs: [(.float32, [2, 4])]) }
      }
      #expect(error?.isTemporary == true)
      held = nil
      _ = try planner.plan(kept, inputs: [(.float32, [2, 4])])
    }
    #expect(try planner.cachedPlan(kept, inputs: [(.float32, [1, 4])]) == nil)
    #expect(planner.usage.plans == 1)
  }

  @Test("a plan that is larger than the capacity is refused with both sizes, and leaves nothing behind")
  func tooLarge() throws {
    defer { models.remove() }
    let planner = Planner(device: device, threads: [1], capacity: 10_000)
    let chain = try models.chain("chain", seeds: Array(1...40))
    let error = #expect(throws: LinkError.self) { try planner.plan(chain, inputs: [(.float32, [1, 128])]) }
    #expect(error?.isTooLarge == true)
    #expect(error?.isTemporary == false)
    #expect(error?.description.contains("10000 bytes") == true)
    #expect(planner.usage == (0, 0))
  }

  @Test("the plans of a closed model leave, and none of it is kept any more")
  func forgetting() throws {
    defer { models.remove() }
    let other = try rows("other")
    let planner = Planner(device: device, threads: [1])
    _ = try planner.plan(other, inputs: [(.float32, [1, 4])])
    let bytes = planner.usage.bytes
    for _ in 0..<100 {
      let model = try rows("rows")
      let held = try planner.plan(model, inputs: [(.float32, [1, 4])])
      planner.forget(model)
      _ = try planner.plan(model, inputs: [(.float32, [2, 4])])
      #expect(planner.usage.plans == 1)
      // A request that holds one runs on, and its bytes count until it ends.
      #expect(withExtendedLifetime(held) { planner.usage.bytes } > bytes)
    }
    #expect(planner.usage == (bytes, 1))
  }
}
