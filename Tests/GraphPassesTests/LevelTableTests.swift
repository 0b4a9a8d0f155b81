import GraphPasses
import ModelGraph
import Tensors
import Testing

/// Functions of one value between `Dequantize` and `Quantize`, which become tables.
struct LevelTableTests {
  /// −(x² · a), of x as levels.
  private func squared(_ type: ElementType, factor dims: [Int]) throws -> GraphBuilder {
    var builder = GraphBuilder()
    let x = builder.node(
      "d", .dequantize(), builder.input("x", [2, 3], type), try builder.constant("step", [0.5]))
    let squared = builder.node("squared", .binary(.multiply), x, x)
    let scaled = builder.node(
      "scaled", .binary(.multiply), squared, try builder.constant("a", [0.25], dims))
    let y = builder.node("negated", .unary(.negate), scaled)
    builder.output(
      builder.node("y", .quantize(to: type), y, try builder.constant("large", [1])))
    return builder
  }

  @Test(arguments: [ElementType.uint8, .int8])
  func aFunctionOfLevelsIsATable(type: ElementType) throws {
    let graph = try squared(type, factor: [1, 1]).after(.levelTables, Adder()).graph
    #expect(
      graph.ops == [
        "dequantize", "binary.multiply", "binary.multiply", "unary.negate", "quantize", "levels.table",
      ])
    let levels = try #require(graph.tensor(graph.nodes[0].inputs[0]))
    #expect(levels.elementType == type && levels.integers?.count == 256)
    #expect(levels.integers?.last == (type == .int8 ? -1 : 255))
    #expect(graph.nodes.last?.inputs.first == graph.inputs.first)
    #expect(graph[try #require(graph.nodes.last?.inputs[1])].type == ValueType(type, [.known(256)]))
  }

  /// Quantised constants are dequantised in the graph, one element each.
  @Test func aConstantOfLevelsIsANumber() throws {
    var builder = GraphBuilder()
    let step = try builder.constant("step", [0.5])
    let x = builder.node("d", .dequantize(), builder.input("x", [2, 3], .uint8), step)
    let factor = builder.node(
      "f", .dequantize(), builder.graph.addConstant("levels", try Tensor([UInt8(7)], shape: .scalar)), step)
    builder.output(
      builder.node("y", .quantize(to: .uint8), builder.node("scaled", .binary(.multiply), x, factor), step))
    let graph = try builder.after(.levelTables, Adder()).graph
    #expect(graph.ops.last == "levels.table")
    let made = try graph.nodes.dropLast().map { try #require($0.outputs.first ?? nil) }
    #expect(made.map { graph[$0].type?.rank } == [1, 0, 1, 1])
  }

  @Test func aFunctionThatGivesMoreAxesStays() throws {
    let graph = try squared(.uint8, factor: [1, 1, 1]).after(.levelTables, Adder()).graph
    #expect(graph.ops.last == "quantize")
  }

  @Test func withoutAnEvaluatorNothingIsATable() throws {
    let graph = try squared(.uint8, factor: []).after(.levelTables).graph
    #expect(graph.ops.last == "quantize")
  }
}
