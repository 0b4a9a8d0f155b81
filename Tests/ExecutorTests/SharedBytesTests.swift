import Device
import Executor
import Linker
import ModelGraph
import Tensors
import Testing

/// Concatenations and splits along the outermost axis run nothing where the values can lie in each other's bytes.
@Suite("Plans of concatenations and splits") struct SharedBytesTests {
  private let device = NullDevice()
  private let models: TestModels
  private var graph = Graph(name: "joined")

  init() throws { models = try TestModels(device: device) }

  private mutating func input(_ dims: [Int]) -> ValueID {
    let id = graph.addValue("x\(graph.inputs.count)", type: ValueType(.float32, dims.map { .known($0) }))
    graph.inputs.append(id)
    return id
  }

  private mutating func node(_ name: String, _ op: Op, _ inputs: ValueID..., results: Int = 1) -> [ValueID] {
    let outputs = (0..<results).map { graph.addValue("\(name)\($0)") }
    graph.nodes.append(Node(name: name, op: op, inputs: inputs, outputs: outputs))
    return outputs
  }

  private mutating func plan(_ outputs: ValueID...) throws -> Plan { try plan(outputs) }

  private mutating func plan(_ outputs: [ValueID]) throws -> Plan {
    graph.outputs = outputs
    let model = try models.compile(graph)
    return try Planner(device: device, threads: [1]).plan(
      model,
      inputs: try graph.inputs.map { id in
        let type = try #require(graph[id].type)
        return (type.elementType, try #require(type.shape))
      })
  }

  // MARK: Concatenations

  // x ──┬─ a ─┬─ ab ─ f
  //     └─ b ─┴─ abc ─ g      c as a and b
  @Test("values that are joined again and again lie in one block, and no step copies them")
  mutating func chain() throws {
    defer { models.remove() }
    let x = input([1, 16])
    let a = node("a", .unary(.sine), x)[0]
    let b = node("b", .unary(.cosine), x)[0]
    let ab = node("ab", .concat(axis: 0), a, b)[0]
    let f = node("f", .unary(.tangent), ab)[0]
    let c = node("c", .unary(.arcTangent), x)[0]
    let abc = node("abc", .concat(axis: 0), a, b, c)[0]
    let g = node("g", .unary(.floor), abc)[0]
    let plan = try plan(f, g)
    #expect(plan.steps.map(\.name) == ["a", "b", "f", "c", "g"])
    let start = try #require(plan.result("a"))
    #expect(plan.result("b") == start + 64)
    #expect(plan.result("c") == start + 128)
    #expect(plan.operand("f") == start && plan.operand("g") == start)
    #expect(plan.result("f") != start, "the parts are read after it")
    #expect(plan.result("g") == start, "nothing is read after it")
  }

  @Test("inputs are written where their concatenation is read, and leave from there")
  mutating func ports() throws {
    defer { models.remove() }
    let (x, y) = (input([1, 16]), input([3, 16]))
    let both = node("both", .concat(axis: 0), x, y)[0]
    let plan = try plan(both, y)
    #expect(plan.steps.isEmpty)
    let starts = (plan.inputs + plan.outputs).map(\.offset)
    #expect(starts == [0, 64, 0, 64])
    #expect(plan.arenaBytes == pageSize)
  }

  /// Cases in which the concatenation of two values needs its kernel.
  @Test(
    "where memory does not allow it the concatenation runs", arguments: ["twice", "rows", "cut", "weight"])
  mutating func copies(reason: String) throws {
    defer { models.remove() }
    let x = input(
      reason == "rows" ? [2, 16] : reason == "cut" ? [1, 8] : reason == "weight" ? [1, 128] : [1, 16])
    let y = node("y", .unary(.sine), x)[0]
    let other =
      switch reason {
      case "twice": y
      case "weight":
        graph.addConstant("w", try Tensor([Float](repeating: 1, count: 128 * 128), shape: [128, 128]))
      default: x
      }
    let axis = reason == "weight" ? 0 : 1
    let plan = try plan(node("joined", .concat(axis: axis), y, other)[0])
    #expect(plan.steps.map(\.name) == ["y", "joined"])
    #expect(plan.arenaBytes <= pageSize || reason == "weight")
  }

  @Test("a value is joined in one place, and copied to the other")
  mutating func twoWholes() throws {
    defer { models.remove() }
    let (x, y) = (input([1, 16]), input([1, 16]))
    let one = node("one", .concat(axis: 0), x, y)[0]
    let other = node("other", .concat(axis: 0), y, x)[0]
    #expect(try plan(one, other).steps.map(\.name) == ["other"])
  }

  // MARK: Splits

  @Test("halves are read where the operand lies, and changed in place where nobody reads the operand")
  mutating func halves() throws {
    defer { models.remove() }
    let x = input([1, 32])
    let y = node("y", .unary(.sine), x)[0]
    let halves = node("halves", .split(axis: 1), y, results: 2)
    let a = node("a", .unary(.cosine), halves[0])[0]
    let whole = node("whole", .concat(axis: 1), a, halves[1])[0]
    let plan = try plan(node("z", .unary(.floor), whole)[0])
    #expect(plan.steps.map(\.name) == ["y", "a", "z"])
    let start = try #require(plan.result("y"))
    #expect(plan.result("a") == start && plan.operand("z") == start && plan.result("z") == start)
  }

  @Test("a half is not changed in place while the operand is still read")
  mutating func halfOfWhatIsRead() throws {
    defer { models.remove() }
    let x = input([1, 32])
    let y = node("y", .unary(.sine), x)[0]
    let halves = node("halves", .split(axis: 1), y, results: 2)
    let a = node("a", .unary(.cosine), halves[0])[0]
    let plan = try plan(a, halves[1], node("z", .unary(.floor), y)[0])
    #expect(plan.steps.map(\.name) == ["y", "a", "z"])
    let start = try #require(plan.result("y"))
    #expect(plan.result("a") != start)
    #expect(plan.result("z") != start, "the second half leaves the plan")
  }

  // x ─ a0 ─ a1 ─ a2 ─ …     a half of each is an output, and would keep all of it to the end
  @Test("halves that would keep their operands for too long are copied")
  mutating func halvesOfMany() throws {
    defer { models.remove() }
    var image = input([64, 16])
    var halves: [ValueID] = []
    for layer in 0..<8 {
      image = node("a\(layer)", .unary(.sine), image)[0]
      halves.append(node("s\(layer)", .split(axis: 0), image, results: 2)[0])
    }
    let plan = try plan(halves)
    #expect(plan.steps.map(\.name) == (0..<8).flatMap { ["a\($0)", "s\($0)"] })
    #expect(plan.arenaBytes < 8 * 64 * 16 * 4)
  }

  @Test("what starts between the places that values start at is copied")
  mutating func cut() throws {
    defer { models.remove() }
    let halves = node("halves", .split(axis: 1), input([1, 24]), results: 2)
    #expect(try plan(halves[0], halves[1]).steps.map(\.name) == ["halves"])
  }
}

extension Plan {
  fileprivate func operand(_ step: String) -> Int? {
    steps.first { $0.name == step }?.call.operands[0]?.offset
  }
  fileprivate func result(_ step: String) -> Int? { steps.first { $0.name == step }?.call.results[0]?.offset }
}

extension Plan.Port {
  fileprivate var offset: Int? { if case .memory(let location) = source { location.offset } else { nil } }
}
