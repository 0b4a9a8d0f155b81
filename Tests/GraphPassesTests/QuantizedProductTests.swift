import GraphPasses
import ModelGraph
import Tensors
import Testing

/// Products between `Dequantize` and `Quantize`, which become products of integers.
struct QuantizedProductTests {
  /// x [2, 3] as levels, times constant weights [3, 2], plus a bias, as levels again.
  private func quantized(
    _ type: ElementType, activation: UnaryFunction? = nil, isRead: Bool = false
  ) throws -> Graph {
    var builder = GraphBuilder()
    let step = try builder.constant("step", [0.5])
    let x = builder.node("x", .quantize(to: type), builder.input("floats", [2, 3]), step)
    let weights = builder.graph.addConstant(
      "w", try Tensor([Int8(1), -2, 3, 4, -5, 6], shape: Shape(checking: [3, 2])))
    let product = builder.node(
      "product", .matrixMultiply(MatrixMultiply()), builder.node("d", .dequantize(), x, step),
      builder.node("dw", .dequantize(), weights, try builder.constant("scale", [0.25, 0.125], [2])))
    var y = builder.node("biased", .binary(.add), product, try builder.constant("bias", [1, 2], [2]))
    if let activation { y = builder.node("activated", .unary(activation), y) }
    if isRead { builder.output(y) }
    builder.output(builder.node("y", .quantize(to: type), y, try builder.constant("large", [2])))
    return try builder.typed()
  }

  @Test(arguments: [ElementType.uint8, .int8])
  func aProductGivesLevels(type: ElementType) throws {
    var graph = try quantized(type)
    _ = try PassPipeline.optimise(&graph, evaluator: nil, verifying: true)
    #expect(graph.nodes.map(\.op.name) == ["quantize", "matmul.integer"])
    let product = try #require(graph.nodes.last)
    // The input is not read as anything but levels, and so it is unsigned; the output stays what it is.
    #expect(graph.nodes[0].outputs[0].flatMap { graph[$0].type?.elementType } == .uint8)
    #expect(graph.outputs.map { graph[$0].type?.elementType } == [type])
    #expect(graph.tensor(product.inputs[1])?.elementType == .int8)
    #expect(graph.tensor(product.inputs[5])?.floats == [0.0625, 0.03125])
    // 1 / 0.125 and 2 / 0.0625; levels that are 128 larger add 128 times the sums of the weights, −1 and 8.
    let shift = type == .int8 ? 128 : 0
    #expect(graph.tensor(product.inputs[4])?.integers == [8 + shift, 32 - 8 * shift])
  }

  @Test(arguments: [
    (UnaryFunction.relu, 0...127), (.clip(minimum: -3, maximum: 6), -2...3),
    (.clip(minimum: 4, maximum: 1e9), 2...127),
  ])
  func anActivationLimitsTheLevels(activation: UnaryFunction, range: ClosedRange<Int>) throws {
    var graph = try quantized(.int8, activation: activation)
    _ = try PassPipeline.optimise(&graph, evaluator: nil, verifying: true)
    let expected = QuantizedRange(isSigned: true, minimum: range.lowerBound, maximum: range.upperBound)
    #expect(graph.nodes.last?.op.as(IntegerMatrixMultiply.self)?.result == .levels(expected))
  }

  @Test func otherActivationsAndReadersGetFloats() throws {
    for (activation, isRead) in [(UnaryFunction.sigmoid, false), (nil, true)] {
      var graph = try quantized(.uint8, activation: activation, isRead: isRead)
      _ = try PassPipeline.optimise(&graph, evaluator: nil, verifying: true)
      #expect(graph.nodes.map(\.op.name) == ["quantize", "matmul.integer", "quantize"])
      #expect(graph.nodes[1].op.as(IntegerMatrixMultiply.self)?.result == .floats)
    }
  }
}
