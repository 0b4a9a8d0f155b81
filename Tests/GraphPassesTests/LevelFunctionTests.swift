import GraphPasses
import ModelGraph
import Tensors
import Testing

/// Functions between `Dequantize` and `Quantize`, which become functions of levels.
struct LevelFunctionTests {
  /// `dequantize` of an input of `uint8`.
  private func floats(_ name: String, _ dims: [Int], in builder: inout GraphBuilder) throws -> ValueID {
    let levels = builder.input(name, dims, .uint8)
    return builder.node("\(name)F", .dequantize(), levels, try builder.constant("\(name)S", [0.25]))
  }

  private func quantised(_ id: ValueID, in builder: inout GraphBuilder) throws -> Graph {
    builder.output(builder.node("y", .quantize(to: .uint8), id, try builder.constant("step", [0.5])))
    return try builder.typed()
  }

  @Test func aSumOfLevelsIsOneNode() throws {
    var builder = GraphBuilder()
    let (a, b) = (try floats("a", [2, 3], in: &builder), try floats("b", [2, 3], in: &builder))
    let sum = builder.node("sum", .binary(.add), a, b)
    var graph = try quantised(builder.node("relu", .unary(.relu), sum), in: &builder)
    _ = try PassPipeline.optimise(&graph, evaluator: nil, verifying: true)
    let op = try #require(graph.nodes.first?.op.as(LevelArithmetic.self))
    #expect(graph.nodes.count == 1)
    #expect(op.function == .add && op.a == LevelSteps(scale: 0.25, zero: 0))
    #expect(op.result == LevelSteps(scale: 0.5, zero: 0))
  }

  @Test func operandsOfOtherShapesStayFloats() throws {
    var builder = GraphBuilder()
    let (a, b) = (try floats("a", [2, 3], in: &builder), try floats("b", [1, 3], in: &builder))
    var graph = try quantised(builder.node("sum", .binary(.add), a, b), in: &builder)
    _ = try PassPipeline.optimise(&graph, evaluator: nil, verifying: true)
    #expect(!graph.nodes.contains { $0.op.is(LevelArithmetic.self) })
  }

  @Test func operandsOfUnknownSizesStayFloats() throws {
    var builder = GraphBuilder()
    let step = try builder.constant("s", [0.25])
    let parts = ["a", "b"].map { name in
      builder.node("\(name)F", .dequantize(), builder.input(name, [.unknown, .known(3)], .uint8), step)
    }
    var graph = try quantised(builder.node("sum", .binary(.add), parts[0], parts[1]), in: &builder)
    _ = try PassPipeline.optimise(&graph, evaluator: nil, verifying: true)
    #expect(!graph.nodes.contains { $0.op.is(LevelArithmetic.self) })
  }

  @Test func anAffineFunctionByChannelIsOneNode() throws {
    var builder = GraphBuilder()
    let x = try floats("x", [1, 2, 3, 3], in: &builder)
    let scaled = builder.node("scaled", .binary(.multiply), x, try builder.constant("m", [2, 4], [2, 1, 1]))
    let shifted = builder.node(
      "shifted", .binary(.add), scaled, try builder.constant("a", [1, -1], [2, 1, 1]))
    var graph = try quantised(shifted, in: &builder)
    _ = try PassPipeline.optimise(&graph, evaluator: nil, verifying: true)
    #expect(graph.nodes.map(\.op.name) == ["levels.affine"])
    let node = try #require(graph.nodes.first)
    #expect(node.op.as(LevelAffine.self)?.axis == 1)
    #expect(graph.tensor(node.inputs[1])?.floats == [1, 2])
    #expect(graph.tensor(node.inputs[2])?.floats == [2, -2])
  }

  /// Levels with one element along an axis that the constants have more along are not multiplied by channel.
  @Test func constantsThatGiveMoreElementsStayFloats() throws {
    var builder = GraphBuilder()
    let x = try floats("x", [2, 3, 1], in: &builder)
    let scaled = builder.node("scaled", .binary(.multiply), x, try builder.constant("m", [2, 4], [2]))
    var graph = try quantised(scaled, in: &builder)
    _ = try PassPipeline.optimise(&graph, evaluator: nil, verifying: true)
    #expect(!graph.nodes.contains { $0.op.is(LevelAffine.self) })
  }

  @Test func aProductWhoseLevelsBecomeFloatsGivesThese() throws {
    var builder = GraphBuilder()
    let x = try floats("x", [2, 3], in: &builder)
    let weights = builder.graph.addConstant(
      "w", try Tensor([Int8(1), -2, 3, 4, -5, 6], shape: Shape(checking: [3, 2])))
    let product = builder.node(
      "product", .matrixMultiply(MatrixMultiply()), x,
      builder.node("dw", .dequantize(), weights, try builder.constant("scale", [0.25, 0.125], [2])))
    let step = try builder.constant("step", [0.5])
    let levels = builder.node("levels", .quantize(to: .uint8), product, step)
    let read = builder.node("read", .dequantize(), levels, step)
    builder.output(builder.node("y", .binary(.add), read, try builder.constant("bias", [1, 2], [2])))
    var graph = try builder.typed()
    _ = try PassPipeline.optimise(&graph, evaluator: nil, verifying: true)
    #expect(graph.nodes.map(\.op.name) == ["matmul.integer"])
    let node = try #require(graph.nodes.first)
    #expect(node.op.as(IntegerMatrixMultiply.self)?.result == .rounded(minimum: 0, maximum: 255))
    #expect(node.postOps.count == 1)
    #expect(graph.tensor(node.inputs[6])?.floats == [0.5])
  }

  @Test func partsOfAConcatenationAreQuantisedByThemselves() throws {
    var builder = GraphBuilder()
    let a = try floats("a", [2, 3], in: &builder)
    let b = builder.node(
      "bF", .dequantize(), builder.input("b", [2, 3], .uint8), try builder.constant("bS", [0.5]))
    var graph = try quantised(builder.node("joined", .concat(axis: 1), a, b), in: &builder)
    _ = try PassPipeline.optimise(&graph, evaluator: nil, verifying: true)
    // b has the step of the whole.
    #expect(graph.nodes.map(\.op.name) == ["dequantize", "quantize", "concat"])
    #expect(graph.nodes.last?.inputs.last == graph.inputs.last)
  }

  @Test func levelsAreMovedByAChain() throws {
    var builder = GraphBuilder()
    let step = try builder.constant("s", [0.5])
    let x = builder.node("d", .dequantize(), builder.input("x", [2, 3, 4], .uint8), step)
    let turned = builder.node("turned", .transpose(permutation: [0, 2, 1]), x)
    let flat = builder.node(
      "flat", .reshape(allowZero: false), turned, try builder.integers("shape", [2, 12]))
    builder.output(builder.node("y", .quantize(to: .uint8), flat, step))
    let graph = try builder.after(.levelMovement).graph
    #expect(graph.ops == ["transpose", "reshape"])
    #expect(graph.nodes.first?.inputs.first == graph.inputs.first)
  }
}
