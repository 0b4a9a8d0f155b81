import Linker
import ModelGraph
import Tensors
import Testing

/// The part of a graph that is planned at once, the part that waits for data, and the data that decide shapes.
@Suite("The split of a graph whose shapes depend on data")
struct GraphSplitTests {
  /// A graph under construction, and its split.
  private struct Builder {
    var graph = Graph(name: "test")

    mutating func input(_ name: String, _ dims: [Int]) throws -> ValueID { try input(name, .float32, dims) }

    mutating func input(_ name: String, _ type: ElementType, _ dims: [Int]) throws -> ValueID {
      let id = graph.addValue(name, type: ValueType(type, try Shape(checking: dims)))
      graph.inputs.append(id)
      return id
    }

    mutating func node(_ name: String, _ op: Op, _ inputs: ValueID?...) -> ValueID {
      let result = graph.addValue(name)
      graph.nodes.append(Node(name: name, op: op, inputs: inputs, outputs: [result]))
      return result
    }

    mutating func constant(_ name: String, _ elements: [Int64]) throws -> ValueID {
      graph.addConstant(name, try Tensor(elements, shape: try Shape(checking: [elements.count])))
    }

    func split() throws -> GraphSplit {
      try GraphSplit(graph, try graph.inferTypes(), model: "model")
    }

    func names(_ ids: [ValueID]) -> [String] { ids.map { graph[$0].name } }
    func names(_ nodes: [Int]) -> [String] { nodes.map { graph.nodes[$0].name } }
  }

  /// The names of the carried values that decide shapes.
  private func decisive(_ builder: Builder) throws -> [String] {
    let split = try builder.split()
    let continuation = try #require(split.continuation)
    return builder.names(continuation.decisive.map { split.carried[$0] })
  }

  @Test("a graph whose shapes are all known is planned at once")
  func nothingWaits() throws {
    var builder = Builder()
    let x = try builder.input("x", [2, 3])
    let made = builder.node("a", .unary(.relu), x)
    builder.graph.outputs = [builder.node("b", .binary(.add), made, x)]
    let split = try builder.split()
    #expect(builder.names(split.nodes) == ["a", "b"])
    #expect(builder.names(split.outputs) == ["b"])
    #expect(split.carried.isEmpty && split.continuation == nil)
  }

  @Test("a node whose post-op reads what waits waits too, and carries what its other post-ops read")
  func postOpsWait() throws {
    var builder = Builder()
    let x = try builder.input("x", .int64, [4])
    let r = try builder.input("r", .int64, [1])
    let places = builder.node("places", .nonZero, x)
    let made = builder.node("made", .unary(.absolute), r)
    let y = builder.node("y", .unary(.absolute), places)
    builder.graph.nodes[2].postOps = [.binary(.add, made)]
    let z = builder.node("z", .unary(.absolute), x)
    builder.graph.nodes[3].postOps = [.binary(.add, r), .binary(.maximum, try builder.constant("c", [1]))]
    builder.graph.outputs = [y, z]
    let split = try builder.split()
    #expect(builder.names(split.nodes) == ["made", "z"])
    #expect(builder.names(split.outputs) == ["z"])
    #expect(builder.names(split.carried) == ["x", "made"])
  }

  // MARK: Deciding data

  @Test("a target that is computed decides a reshape; the operand is carried, and decides nothing")
  func reshape() throws {
    var builder = Builder()
    let x = try builder.input("x", [2, 3])
    let target = try builder.input("target", .int64, [2])
    builder.graph.outputs = [builder.node("y", .reshape(allowZero: false), x, target)]
    let split = try builder.split()
    #expect(split.nodes.isEmpty && split.outputs.isEmpty)
    #expect(builder.names(split.carried) == ["x", "target"])
    #expect(split.continuation?.decisive == [1])
    #expect(split.continuation?.hostNodes.isEmpty == true)
    #expect(builder.names(split.continuation?.graph.inputs ?? []) == ["x", "target"])
  }

  @Test("operands behind the first decide: amounts, counts, depths and sizes")
  func laterOperands() throws {
    for (op, dims) in [(Op.expand, [2]), (.tile, [2]), (.pad(.constant), [4])] {
      var builder = Builder()
      let x = try builder.input("x", [1, 1])
      builder.graph.outputs = [builder.node("y", op, x, try builder.input("how", .int64, dims))]
      #expect(try decisive(builder) == ["how"], "\(op)")
    }
    var builder = Builder()
    let (x, starts) = (try builder.input("x", [2, 3]), try builder.input("starts", .int64, [1]))
    let ends = try builder.input("ends", .int64, [1])
    builder.graph.outputs = [builder.node("y", .slice, x, starts, ends)]
    #expect(try decisive(builder) == ["starts", "ends"])
  }

  @Test("constants decide without being carried")
  func constants() throws {
    var builder = Builder()
    let (x, ends) = (try builder.input("x", [2, 3]), try builder.input("ends", .int64, [1]))
    builder.graph.outputs = [builder.node("y", .slice, x, try builder.constant("starts", [0]), ends)]
    let split = try builder.split()
    #expect(builder.names(split.carried) == ["x", "ends"])
    #expect(split.continuation?.decisive == [1])
  }

  @Test("of a range all three operands decide, of a constant of a shape the only one")
  func madeOfNothing() throws {
    var builder = Builder()
    let operands = try ["start", "limit", "step"].map { try builder.input($0, .int64, []) }
    builder.graph.outputs = [builder.node("y", .range, operands[0], operands[1], operands[2])]
    #expect(try decisive(builder) == ["start", "limit", "step"])

    builder = Builder()
    let shape = try builder.input("shape", .int64, [2])
    builder.graph.outputs = [
      builder.node("y", .constantOfShape(value: try Tensor([Float(1)], shape: [1])), shape)
    ]
    #expect(try decisive(builder) == ["shape"])
  }

  @Test("of a conditional its condition decides, and nothing that its branches capture")
  func conditional() throws {
    func branch(_ function: UnaryFunction) -> Graph {
      var graph = Graph(name: "branch")
      let x = graph.addValue("x", type: ValueType(.float32, [2, 3]))
      graph.inputs = [x]
      let y = graph.addValue("y")
      graph.nodes = [Node(name: "n", op: .unary(function), inputs: [x], outputs: [y])]
      graph.outputs = [y]
      return graph
    }
    var builder = Builder()
    let (condition, x) = (try builder.input("condition", .bool, []), try builder.input("x", [2, 3]))
    builder.graph.outputs = [
      builder.node("y", .conditional(then: branch(.relu), otherwise: branch(.tanh)), condition, x)
    ]
    // The result has the same known shape on both ways.
    #expect(try decisive(builder) == ["condition"])
  }

  @Test("an operand that decides for two nodes is carried once, and decides once")
  func shared() throws {
    var builder = Builder()
    let (x, target) = (try builder.input("x", [2, 3]), try builder.input("target", .int64, [2]))
    builder.graph.outputs = [
      builder.node("y", .reshape(allowZero: false), x, target), builder.node("z", .tile, x, target),
    ]
    let split = try builder.split()
    #expect(builder.names(split.carried) == ["x", "target"])
    #expect(split.continuation?.decisive == [1])
    #expect(builder.names(split.continuation?.graph.outputs ?? []) == ["y", "z"])
  }

  @Test("where nothing that is read decides the shape, the node is named")
  func undecidable() throws {
    var builder = Builder()
    let x = builder.graph.addValue("x", type: ValueType(.float32, nil))
    builder.graph.inputs = [x]
    builder.graph.outputs = [builder.node("y", .unary(.relu), x)]
    let error = try #require(throws: LinkError.self) { try builder.split() }
    #expect(error.description.contains("'y'") && error.description.contains("'model'"))
  }

  @Test("indices and updates decide no shape: of operands without a known shape, the node is named")
  func lookups() throws {
    for (op, takesUpdates) in [
      (Op.gather(axis: 0), false), (.gatherElements(axis: 0), false), (.gatherND(batchDimensions: 0), false),
      (.scatterND(.replace), true), (.scatterElements(axis: 0, .replace), true),
    ] {
      var builder = Builder()
      let x = builder.graph.addValue("x", type: ValueType(.float32, nil))
      let indices = builder.graph.addValue("indices", type: ValueType(.int64, nil))
      let updates = builder.graph.addValue("updates", type: ValueType(.float32, nil))
      builder.graph.inputs = [x, indices, updates]
      builder.graph.outputs = [
        takesUpdates ? builder.node("y", op, x, indices, updates) : builder.node("y", op, x, indices)
      ]
      let error = #expect(throws: LinkError.self, "\(op)") { try builder.split() }
      #expect(error?.description.contains("'y'") == true, "\(op)")
    }
  }

  // MARK: The waiting part

  @Test("what reads of a node that waits, waits; what stands between and reads none of it does not")
  func reading() throws {
    var builder = Builder()
    let (x, target) = (try builder.input("x", [2, 3]), try builder.input("target", .int64, [2]))
    let early = builder.node("early", .unary(.relu), x)
    let waits = builder.node("waits", .reshape(allowZero: false), early, target)
    let between = builder.node("between", .unary(.tanh), early)
    let reads = builder.node("reads", .unary(.sigmoid), waits)
    let later = builder.node("later", .unary(.absolute), between)
    builder.graph.outputs = [reads, later, early]
    let split = try builder.split()
    #expect(builder.names(split.nodes) == ["early", "between", "later"])
    #expect(builder.names(split.outputs) == ["later", "early"])
    #expect(builder.names(split.carried) == ["early", "target"])
    let continuation = try #require(split.continuation)
    #expect(continuation.graph.nodes.map(\.name) == ["waits", "reads"])
    #expect(builder.names(continuation.graph.outputs) == ["reads"])
    #expect(continuation.outputs.map { "\($0)" } == ["rest(0)", "done(0)", "done(1)"])
    // The rest knows what the start found out.
    #expect(continuation.graph[early].type?.shape == [2, 3])
  }

  @Test("what a later node reads of early values is carried, but decides nothing by itself")
  func carriedForLater() throws {
    var builder = Builder()
    let (x, target) = (try builder.input("x", [2, 3]), try builder.input("target", .int64, [2]))
    let bias = try builder.input("bias", [])
    let waits = builder.node("waits", .reshape(allowZero: false), x, target)
    let amount = try builder.input("amount", .int64, [2])
    let sum = builder.node("sum", .binary(.add), waits, bias)
    builder.graph.outputs = [builder.node("y", .tile, sum, amount)]
    let split = try builder.split()
    #expect(builder.names(split.carried) == ["x", "target", "bias", "amount"])
    // The rest is split again, where `amount` decides.
    #expect(split.continuation?.decisive == [1])
  }

  @Test("the places of elements that are not zero are asked for, and are inputs of the rest")
  func nonZero() throws {
    var builder = Builder()
    let x = try builder.input("x", [2, 3])
    let mask = builder.node("mask", .unary(.relu), x)
    let places = builder.node("places", .nonZero, mask)
    let moved = builder.node("moved", .transpose(permutation: [1, 0]), places)
    builder.graph.outputs = [builder.node("y", .gatherND(batchDimensions: 0), x, moved), places]
    let split = try builder.split()
    #expect(builder.names(split.nodes) == ["mask"])
    #expect(builder.names(split.carried) == ["mask", "x"])
    let continuation = try #require(split.continuation)
    #expect(continuation.decisive == [])
    #expect(continuation.hostNodes.map(\.operands) == [[0]])
    #expect(builder.names(continuation.graph.inputs) == ["mask", "x", "places"])
    #expect(continuation.graph.nodes.map(\.name) == ["moved", "y"])
    #expect(continuation.outputs.map { "\($0)" } == ["rest(0)", "rest(1)"])
  }

  @Test("places among what waits itself are found by the rest")
  func nonZeroOfTheRest() throws {
    var builder = Builder()
    let (x, target) = (try builder.input("x", [2, 3]), try builder.input("target", .int64, [2]))
    let waits = builder.node("waits", .reshape(allowZero: false), x, target)
    builder.graph.outputs = [builder.node("places", .nonZero, waits)]
    let continuation = try #require(try builder.split().continuation)
    #expect(continuation.hostNodes.isEmpty)
    #expect(continuation.graph.nodes.map(\.name) == ["waits", "places"])
  }

  // MARK: Rows

  /// The first column of what `NonMaxSuppression` selects, and the rows of a table that it names.
  private func detector(_ rest: (inout Builder, _ column: ValueID, _ chosen: ValueID) throws -> ValueID)
    throws
    -> RestRows?
  {
    var builder = Builder()
    let boxes = try builder.input("boxes", [1, 9, 4])
    let scores = try builder.input("scores", [1, 1, 9])
    let table = try builder.input("table", [9, 5])
    let kept = builder.node(
      "kept", .nonMaxSuppression(centerPointBox: false), boxes, scores,
      try builder.constant("most", [9]))
    let column = builder.node("column", .gather(axis: 1), kept, try builder.constant("two", [2]))
    let index = builder.node("index", .reshape(allowZero: false), column, try builder.constant("flat", [-1]))
    let chosen = builder.node("chosen", .gather(axis: 0), table, index)
    builder.graph.outputs = [try rest(&builder, column, chosen)]
    return try #require(try builder.split().continuation).rows
  }

  @Test("rows that are computed one by one are told apart")
  func keepsRows() throws {
    let rows = try #require(try detector { builder, _, chosen in builder.node("y", .unary(.relu), chosen) })
    #expect(rows.count(in: [.init(.int64, [7, 3])]) == 7)
    #expect(try rows.types([.init(.int64, [7, 3])], rows: 16) == [.init(.int64, [16, 3])])
    #expect(rows.outputsOfNoRows?.map(\.shape) == [[0, 5]])
  }

  @Test("rows that are added up, or turned to columns, are not")
  func mixesRows() throws {
    #expect(try detector { builder, _, chosen in builder.node("y", .softmax(axis: 0), chosen) } == nil)
    #expect(
      try detector { builder, _, chosen in builder.node("y", .transpose(permutation: [1, 0]), chosen) } == nil
    )
  }
}
