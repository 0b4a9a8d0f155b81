import GraphPasses
import ModelGraph
import Tensors
import Testing

/// Graphs of halves, computed with floats.
struct HalvesAsFloatsTests {
  private func halves(_ builder: inout GraphBuilder, _ name: String, _ count: Int) throws -> ValueID {
    let elements = (0..<count).map { Float16($0) / 8 }
    return builder.graph.addConstant(name, try Tensor(elements, shape: try Shape(checking: [count])))
  }

  /// x · weights + bias, moved: halves come in and go out, and nothing between them is one.
  @Test(arguments: [ElementType.float16, .bfloat16]) func aChainIsRoundedOnce(type: ElementType) throws {
    var builder = GraphBuilder()
    let x = builder.input("x", [2, 4], type)
    let product = builder.node("product", .binary(.multiply), x, x)
    let same = builder.node("same", .cast(type), product)
    let sum = builder.node("sum", .binary(.add), same, x)
    builder.output(builder.node("y", .transpose(permutation: [1, 0]), sum))
    let (graph, changes) = try builder.after(.halvesAsFloats)
    #expect(changes == 3)
    #expect(graph.ops == ["cast", "binary.multiply", "binary.add", "transpose", "cast"])
    #expect(graph.outputs.map { graph[$0].name } == ["y"])
    #expect(try graph.inferTypes()[graph.outputs[0]]?.elementType == type)
    #expect(graph.maker(of: "sum.float") != nil)
  }

  @Test func aHalfIsRoundedForThoseThatLookAtIt() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", [4], .float16)
    let root = builder.node("root", .unary(.squareRoot), x)
    builder.output(
      builder.node("steps", .unary(.floor), root), builder.node("same", .binary(.equal), root, x))
    let graph = try builder.after(.halvesAsFloats).graph
    #expect(graph.ops == ["cast", "unary.squareRoot", "cast", "unary.floor", "binary.equal"])
    #expect(graph.operandNames(of: "steps") == ["root"])
    #expect(graph.operandNames(of: "same") == ["root", "x"])
  }

  /// A lookup gives stored halves; what joins a computed number with a stored one is stored.
  @Test func storedHalvesAreMovedAsTheyAre() throws {
    var builder = GraphBuilder()
    let table = try halves(&builder, "table", 512)
    let rows = builder.node("rows", .gather(axis: 0), table, builder.input("indices", [300], .int64))
    let past = builder.input("past", [300], .float16)
    let next = builder.node("next", .unary(.tanh), rows)
    builder.output(builder.node("joined", .concat(axis: 0), past, next))
    let graph = try builder.after(.halvesAsFloats).graph
    #expect(graph.ops == ["gather", "cast", "unary.tanh", "cast", "concat"])
    #expect(graph.operandNames(of: "joined") == ["past", "next"])
  }

  @Test func smallHalvesAreConverted() throws {
    var builder = GraphBuilder()
    let (x, mask) = (builder.input("x", [4], .float16), builder.input("mask", [4], .bool))
    let other = builder.input("other", [1], .float16)
    let power = builder.node("power", .unary(.exponential), x)
    let chosen = builder.node("chosen", .select, mask, power, other)
    builder.output(builder.node("y", .unary(.tanh), chosen))
    let graph = try builder.after(.halvesAsFloats).graph
    #expect(graph.ops == ["cast", "unary.exponential", "cast", "select", "unary.tanh", "cast"])
    #expect(graph.operandNames(of: "chosen.float") == ["mask", "power.float", "other.float"])
  }

  @Test func floatsAreLeftAlone() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", [4])
    builder.output(builder.node("y", .unary(.tanh), x), builder.node("half", .cast(.float16), x))
    #expect(try builder.after(.halvesAsFloats).changes == 0)
  }

  // MARK: Weights

  @Test func largeWeightsAreFoundByType() throws {
    var builder = GraphBuilder()
    _ = try halves(&builder, "small", 100)
    #expect(StoredHalves(of: builder.graph) == nil)
    _ = try halves(&builder, "large", 1 << 14)
    #expect(StoredHalves(of: builder.graph)?.form == .float16)
    #expect(StoredHalves(of: builder.graph)?.areAll == true)
    _ = try builder.ramp("floats", [1 << 14])
    #expect(StoredHalves(of: builder.graph)?.areAll == false)
  }

  /// Only weights that do not change take the form of the others.
  @Test func exactWeightsAlone() throws {
    for isExact in [false, true] {
      var builder = GraphBuilder()
      let numbers = (0..<256 * 100).map { Float($0 % 512) / 8 + (isExact ? 0 : 1e-4) }
      let weights = try builder.constant("w", numbers, [256, 100])
      builder.output(
        builder.node("y", .matrixMultiply(MatrixMultiply()), builder.input("x", [4, 256]), weights))
      var graph = try builder.typed()
      let report = try graph.reduceWeights(to: .float16, exactly: true)
      #expect(report.reduced == (isExact ? 1 : 0) && report.notes.isEmpty)
      #expect(graph.ops == [isExact ? "matmul.small" : "matmul"])
    }
  }
}
