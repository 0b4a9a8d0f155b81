import Device
import Executor
import Linker
import ModelGraph
import Tensors
import Testing

/// The bound that shapes alone give must not refuse what its plan says runs.
@Suite("The least memory of a plan") struct LeastMemoryTests {
  private let device = NullDevice()
  private let models: TestModels
  private var graph = Graph(name: "least")

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

  private mutating func integers(_ elements: Int64...) throws -> ValueID {
    graph.addConstant("c\(graph.values.count)", try Tensor(elements, shape: [elements.count]))
  }

  /// Plans with exactly the budget that the plan takes, and with one page less.
  private mutating func checkBound(_ outputs: ValueID...) throws {
    defer { models.remove() }
    graph.outputs = outputs
    let model = try models.compile(graph)
    let inputs = try graph.inputs.map { id in
      let type = try #require(graph[id].type)
      return (type.elementType, try #require(type.shape))
    }
    let plan = try Planner(device: device, threads: [1]).plan(model, inputs: inputs)
    let needed = plan.reservedExtentBytes + plan.arenaBytes + roundedToPages(plan.requestBytes)
    let exact = try Planner(device: device, threads: [1], budget: needed).plan(model, inputs: inputs)
    #expect(exact.arenaBytes == plan.arenaBytes)
    #expect(throws: LinkError.self) {
      try Planner(device: device, threads: [1], budget: needed - pageSize).plan(model, inputs: inputs)
    }
  }

  private static let size = 40_000
  private static let product = Op.matrixMultiply(MatrixMultiply())

  // x [1, n] ─┬───────────────── product [1, 1]
  //           └─ reshape [n, 1] ─┘
  @Test("a product of a tensor with a view of it takes its bytes once")
  mutating func view() throws {
    let x = input([1, Self.size])
    let column = node("column", .reshape(allowZero: false), x, try integers(Int64(Self.size), 1))[0]
    try checkBound(node("product", Self.product, x, column)[0])
  }

  @Test("a view of a view has the bytes of the first")
  mutating func viewOfView() throws {
    let x = input([1, Self.size])
    let flat = node("flat", .squeeze, x, try integers(0))[0]
    let row = node("row", .unsqueeze, flat, try integers(0))[0]
    let column = node("column", .reshape(allowZero: false), flat, try integers(Int64(Self.size), 1))[0]
    try checkBound(node("product", Self.product, row, column)[0])
  }

  @Test("a view of a weight takes no activations")
  mutating func viewOfWeight() throws {
    let x = input([1, 4])
    let weight = graph.addConstant(
      "w", try Tensor([Float](repeating: 1, count: 4 * Self.size), shape: [2 * Self.size, 2]))
    let wide = node("wide", .reshape(allowZero: false), weight, try integers(4, Int64(Self.size)))[0]
    let product = node("product", Self.product, x, wide)[0]
    let sum = node(
      "sum", Self.product, product,
      node("column", .reshape(allowZero: false), product, try integers(Int64(Self.size), 1))[0])[0]
    try checkBound(sum)
  }

  // x [2, n] ─┬─ split ──── product
  //           └─ reshape ──┘
  @Test("a product of parts of one tensor takes its bytes once")
  mutating func parts() throws {
    let x = input([2, Self.size])
    let a = node("a", .split(axis: 0), x, results: 2)
    let column = node("column", .reshape(allowZero: false), x, try integers(Int64(Self.size), 2))[0]
    try checkBound(node("product", Self.product, a[0], column)[0], a[1])
  }

  @Test("a product of a concatenation with one of its parts takes the part once")
  mutating func joined() throws {
    let x = input([1, Self.size])
    let a = node("a", .unary(.sine), x)[0]
    let b = node("b", .unary(.cosine), x)[0]
    let ab = node("ab", .concat(axis: 0), a, b)[0]
    let column = node("column", .reshape(allowZero: false), a, try integers(Int64(Self.size), 1))[0]
    try checkBound(node("product", Self.product, ab, column)[0])
  }
}
