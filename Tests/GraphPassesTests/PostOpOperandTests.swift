import GraphPasses
import ModelGraph
import Tensors
import Testing

/// Passes follow the operands of post-ops as they follow a node's inputs.
struct PostOpOperandTests {
  /// relu(x) with `postOp` behind it, as the output "y".
  private func tail(_ builder: inout GraphBuilder, _ name: String, _ x: ValueID, _ postOp: PostOp) -> ValueID
  {
    let result = builder.node(name, .unary(.relu), x)
    builder.graph.nodes[builder.graph.nodes.count - 1].postOps = [postOp]
    return result
  }

  @Test func whatMakesAnOperandIsReplaced() throws {
    var builder = GraphBuilder()
    let (x, r) = (builder.input("x", [2, 3]), builder.input("r", [2, 3]))
    let same = builder.node("same", .identity, r)
    builder.output(tail(&builder, "y", x, .binary(.add, same)))
    let graph = try builder.after(.noOpRemoval).graph
    #expect(graph.nodes.map(\.name) == ["y"])
    #expect(graph.nodes[0].postOps == [.binary(.add, r)])
  }

  @Test func nodesAreEqualOnlyIfTheirPostOpsReadTheSame() throws {
    for isSame in [true, false] {
      var builder = GraphBuilder()
      let (x, a, b) = (builder.input("x", [3]), builder.input("a", [3]), builder.input("b", [3]))
      let first = tail(&builder, "first", x, .binary(.add, a))
      let second = tail(&builder, "second", x, .binary(.add, isSame ? a : b))
      builder.output(builder.node("y", .binary(.multiply), first, second))
      #expect(try builder.after(.commonSubexpressions).changes == (isSame ? 1 : 0))
    }
  }

  @Test func equalConstantsBecomeOne() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", [3])
    let (a, b) = (try builder.ramp("a", [3]), try builder.ramp("b", [3]))
    let first = tail(&builder, "first", x, .binary(.add, a))
    builder.output(tail(&builder, "y", first, .binary(.subtract, b)))
    let graph = try builder.after(.commonSubexpressions).graph
    #expect(graph.nodes.map(\.postOps) == [[.binary(.add, a)], [.binary(.subtract, a)]])
    #expect(graph.constants.count == 1)
  }

  /// Refuses to compute.
  private struct Idle: ConstantEvaluator {
    func evaluate(
      _ node: Node, operands: [Tensor?], resultTypes: [ValueType?], in graph: String
    ) throws -> [Tensor?]? {
      Issue.record("'\(node.name)' is computed")
      return nil
    }
  }

  /// Gives every result zeros, and checks that all operands are there.
  private struct Zeros: ConstantEvaluator {
    func evaluate(
      _ node: Node, operands: [Tensor?], resultTypes: [ValueType?], in graph: String
    ) throws -> [Tensor?]? {
      #expect(operands.map { $0?.shape.dims } == [[3], [1]])
      return [try Tensor([Float](repeating: 0, count: 3), shape: [3])]
    }
  }

  @Test func aNodeIsFoldedOnlyIfItsPostOpsReadConstants() throws {
    for isKnown in [false, true] {
      var builder = GraphBuilder()
      let operand = isKnown ? try builder.ramp("operand", [1]) : builder.input("operand", [1])
      let made = tail(&builder, "made", try builder.ramp("c", [3]), .binary(.add, operand))
      builder.output(
        builder.node(
          "y", .unary(.exponential), builder.node("sum", .binary(.add), made, builder.input("x", [3]))))
      let (graph, changes) = try builder.after(
        .constantFolding, isKnown ? Zeros() : Idle() as any ConstantEvaluator)
      #expect(changes == (isKnown ? 1 : 0))
      #expect(graph.maker(of: "made") == nil || !isKnown)
    }
  }

  @Test func aKnownInputIsKnownToPostOps() throws {
    var builder = GraphBuilder()
    let (x, r) = (builder.input("x", [3]), builder.input("r", [3]))
    builder.output(tail(&builder, "y", x, .binary(.add, r)))
    let known = try Tensor([Float(1), 2, 3], shape: [3])
    let type = ValueType(.float32, [3] as Shape)
    let graph = try builder.typed().specialised(inputs: [type, type], known: [r: known], evaluator: nil).graph
    let operand = try #require(graph.nodes[0].postOps[0].operand)
    #expect(graph.tensor(operand) == known)
    #expect(graph.inputs == [x, r])
  }

  @Test func smallWeightsLeaveOperandsOfPostOpsAlone() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", [4, 256])
    let residual = builder.input("residual", [4, 100])
    let product = builder.node("m", .matrixMultiply(MatrixMultiply()), x, try builder.ramp("w", [256, 100]))
    builder.output(builder.node("y", .binary(.add), product, residual))
    var graph = try builder.after(.postOpFusion).graph
    #expect(graph.nodes[0].inputs.count == 2)
    _ = try graph.reduceWeights(to: .bfloat16)
    try graph.verify()
    #expect(graph.nodes[0].op.is(SmallProduct.self))
    #expect(graph.nodes[0].postOps == [.binary(.add, graph.inputs[1])])
  }
}
