import GraphPasses
import ModelGraph
import Tensors
import Testing

/// Cases that are left alone. `EngineTests` checks the table's contents against onnxruntime's answers.
struct OneHotProductTests {
  /// The ops after the pass of `Cast(indices == numbers) · table`.
  private func ops(
    indices dims: [Int] = [2, 4, 1], numbers: [Int64] = [0, 1, 2], shape: [Int] = [3], table: [Float]? = nil,
    multiply: MatrixMultiply = MatrixMultiply(), type: ElementType = .float32
  ) throws -> [String] {
    var builder = GraphBuilder()
    let indices = builder.input("indices", dims, .int64)
    let range = builder.graph.addConstant(
      "numbers", try Tensor(numbers, shape: try Shape(checking: shape)))
    let equal = builder.node("equal", .binary(.equal), range, indices)
    let hot = builder.node("hot", .cast(type), equal)
    let weights =
      try table.map { try builder.constant("table", $0, [3, 2]) } ?? builder.ramp("table", [3, 2])
    builder.output(builder.node("y", .matrixMultiply(multiply), hot, weights))
    return try builder.after(.oneHotProducts).graph.ops
  }

  @Test func comparisonsWithARangeAreLookups() throws {
    let steps = ["squeeze", "binary.maximum", "binary.minimum", "binary.add", "gather"]
    #expect(try ops() == steps)
    #expect(try ops(shape: [1, 1, 3]) == steps)
  }

  @Test func otherProductsStay() throws {
    let product = ["binary.equal", "cast", "matmul"]
    #expect(try ops(numbers: [0, 2, 1]) == product)
    #expect(try ops(numbers: [1, 2, 3]) == product)
    #expect(
      try ops(indices: [2, 4, 3]) == product, "three columns of indices, each compared with its own number")
    #expect(try ops(table: [1, 2, .infinity, 4, 5, 6]) == product, "zero times infinity is no number")
    #expect(try ops(multiply: MatrixMultiply(alpha: 2)) == product)
  }

  @Test(arguments: [ElementType.float32, .float64]) func tablesOfOtherTypesStay(type: ElementType) throws {
    var builder = GraphBuilder()
    let indices = builder.input("indices", [4], .int64)
    func constant(_ name: String, _ numbers: [Double], _ shape: Shape) throws -> ValueID {
      let tensor =
        type == .float64
        ? try Tensor(numbers, shape: shape) : try Tensor(numbers.map { Float($0) }, shape: shape)
      return builder.graph.addConstant(name, tensor)
    }
    let depth = builder.graph.addConstant("depth", try Tensor([Int64(3)], shape: .scalar))
    let hot = builder.node("hot", .oneHot(axis: -1), indices, depth, try constant("values", [0, 1], [2]))
    let table = try constant("table", [1, 2, 3, 4, 5, 6], [3, 2])
    builder.output(builder.node("y", .matrixMultiply(MatrixMultiply()), hot, table))
    let (graph, _) = try builder.after(.oneHotProducts)
    #expect(graph.ops.contains("gather") == (type == .float32))
    #expect(graph[graph.outputs[0]].type == ValueType(type, [4, 2]))
  }
}

struct TableFoldingTests {
  private func ops(
    _ op: Op, parameter dims: [Int]? = nil, isReadTwice: Bool = false, isEvaluated: Bool = true
  )
    throws -> [String]
  {
    var builder = GraphBuilder()
    let rows = builder.node(
      "rows", .gather(axis: 0), try builder.ramp("table", [3, 2]), builder.input("indices", [2, 4], .int64))
    let parameter = try dims.map { try builder.ramp("parameter", $0) }
    let result =
      parameter.map { builder.node("y", op, $0, rows) } ?? builder.node("y", op, rows)
    builder.output(result)
    if isReadTwice { builder.output(rows) }
    let (graph, _) = try builder.after(.tableFolding, isEvaluated ? Adder() : nil)
    #expect(graph[graph.outputs[0]].type == ValueType(.float32, [2, 4, 2]))
    return graph.ops
  }

  @Test func functionsOfRowsAreComputedOnTheTable() throws {
    #expect(try ops(.unary(.tanh)) == ["unary.tanh", "gather"])
    for dims in [[], [1], [2], [1, 2], [1, 1, 2]] {
      #expect(try ops(.binary(.subtract), parameter: dims) == ["binary.subtract", "gather"], "\(dims)")
    }
  }

  /// Constants of more than 16 MiB are not folded: the function would be computed for all rows at every run.
  @Test(arguments: [65_536, 65_537]) func tablesThatAreNotFoldedAreLeftAlone(rows: Int) throws {
    var builder = GraphBuilder()
    let table = builder.graph.addConstant(
      "table",
      try Tensor(elementType: .float32, shape: [rows, 64]) {
        $0.initializeMemory(as: UInt8.self, repeating: 0)
      })
    let looked = builder.node("rows", .gather(axis: 0), table, builder.input("indices", [4], .int64))
    builder.output(builder.node("y", .unary(.tanh), looked))
    let isFolded = try builder.after(.tableFolding, Adder()).graph.ops == ["unary.tanh", "gather"]
    #expect(isFolded == (rows == 65_536))
  }

  @Test func whatDiffersFromRowToRowStays() throws {
    #expect(try ops(.binary(.add), parameter: [4, 2]) == ["gather", "binary.add"])
    #expect(try ops(.binary(.add), parameter: [4, 1]) == ["gather", "binary.add"])
    #expect(try ops(.unary(.absolute), isReadTwice: true) == ["gather", "unary.absolute"])
    #expect(try ops(.unary(.tanh), isEvaluated: false) == ["gather", "unary.tanh"], "nobody would fold it")
  }
}
