import GraphPasses
import ModelGraph
import Tensors
import Testing

struct PostOpFusionTests {
  @Test func activationBehindEveryHost() throws {
    for function in [UnaryFunction.relu, .silu, .clip(minimum: 0, maximum: 6), .gelu(approximate: false)] {
      var builder = GraphBuilder()
      let x = builder.input("x", [1, 3, 5, 5])
      let convolved = try builder.convolution("c", x, weights: [4, 3, 1, 1])
      builder.output(builder.node("y", .unary(function), convolved))
      let graph = try builder.after(.postOpFusion).graph
      #expect(graph.ops == ["conv"])
      #expect(graph.nodes[0].postOps == [.unary(function)])
      #expect(graph.nodes[0].name == "c")
      #expect(graph.nodes[0].outputs == graph.outputs)
    }
    var builder = GraphBuilder()
    let product = builder.node(
      "m", .matrixMultiply(MatrixMultiply()), builder.input("a", [2, 3]), builder.input("b", [3, 4]))
    builder.output(builder.node("y", .unary(.tanh), product))
    #expect(try builder.after(.postOpFusion).graph.ops == ["matmul"])
  }

  @Test func aResultThatOthersReadIsLeftAlone() throws {
    var builder = GraphBuilder()
    let convolved = try builder.convolution("c", builder.input("x", [1, 3, 5, 5]), weights: [4, 3, 1, 1])
    builder.output(builder.node("y", .unary(.relu), convolved), builder.node("z", .unary(.tanh), convolved))
    #expect(try builder.after(.postOpFusion).changes == 0)
  }

  @Test func aResultThatIsAnOutputIsLeftAlone() throws {
    var builder = GraphBuilder()
    let convolved = try builder.convolution("c", builder.input("x", [1, 3, 5, 5]), weights: [4, 3, 1, 1])
    builder.output(builder.node("y", .unary(.relu), convolved), convolved)
    #expect(try builder.after(.postOpFusion).changes == 0)
  }

  @Test func functionsThatKernelsDoNotApplyStay() throws {
    var builder = GraphBuilder()
    let convolved = try builder.convolution("c", builder.input("x", [1, 3, 5, 5]), weights: [4, 3, 1, 1])
    builder.output(builder.node("y", .unary(.sine), convolved))
    #expect(try builder.after(.postOpFusion).changes == 0)
  }

  /// conv(x) + shortcut(x), then relu: the later convolution takes the earlier one's result.
  @Test func residualThenRelu() throws {
    for swapped in [false, true] {
      var builder = GraphBuilder()
      let x = builder.input("x", [1, 3, 5, 5])
      let shortcut = try builder.convolution("shortcut", x, weights: [4, 3, 1, 1])
      let main = try builder.convolution("main", x, weights: [4, 3, 1, 1])
      let sum = builder.node("sum", .binary(.add), swapped ? shortcut : main, swapped ? main : shortcut)
      builder.output(builder.node("y", .unary(.relu), sum))
      let graph = try builder.after(.postOpFusion).graph
      #expect(graph.nodes.map(\.name) == ["shortcut", "main"])
      #expect(graph.nodes[1].postOps == [.binary(.add, shortcut), .unary(.relu)])
      #expect(graph.operandNames(of: "y") == ["x", "main.w", nil, "shortcut"])
    }
  }

  /// x ─┬─ conv ─ relu ─ conv ─┬─ add ─ relu
  ///    └──────────────────────┘
  @Test func residualOfAnInputWithBothActivations() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", [1, 3, 5, 5])
    let first = try builder.convolution("first", x, weights: [3, 3, 3, 3], padding: 1)
    let second = try builder.convolution(
      "second", builder.node("r", .unary(.relu), first), weights: [3, 3, 3, 3], padding: 1)
    builder.output(builder.node("y", .unary(.relu), builder.node("sum", .binary(.add), second, x)))
    let graph = try builder.after(.postOpFusion).graph
    #expect(graph.nodes.map(\.name) == ["first", "second"])
    #expect(graph.nodes.map(\.postOps) == [[.unary(.relu)], [.binary(.add, x), .unary(.relu)]])
  }

  @Test func aValueAddedToItselfStays() throws {
    var builder = GraphBuilder()
    let convolved = try builder.convolution("c", builder.input("x", [1, 3, 5, 5]), weights: [4, 3, 1, 1])
    builder.output(builder.node("y", .binary(.add), convolved, convolved))
    #expect(try builder.after(.postOpFusion).changes == 0)
  }

  /// Operands that may follow a convolution with a result of [2, 4, 5, 5].
  @Test(
    arguments: [
      ([2, 4, 5, 5], true), ([1], true), ([], true), ([1, 4, 1, 1], true), ([4, 1, 1], true),
      ([2, 4, 1, 1], false),  // a gate for each image: no kernel broadcasts so
      ([4], false),  // along the width
      ([5], false), ([1, 1, 5, 5], false), ([1, 2, 4, 5, 5], false),
    ]) func operandsThatFit(dims: [Int], fits: Bool) throws
  {
    var builder = GraphBuilder()
    // With a width of 4 an operand of [4] is legal, too.
    let width = dims == [4] ? 4 : 5
    let x = builder.input("x", [2, 3, 5, width])
    let operand = builder.input("operand", dims)
    let convolved = try builder.convolution("c", x, weights: [4, 3, 1, 1])
    builder.output(builder.node("y", .binary(.multiply), convolved, operand))
    #expect(try builder.after(.postOpFusion).changes == (fits ? 1 : 0))
  }

  @Test func aResultThatIsBroadcastStays() throws {
    var builder = GraphBuilder()
    let pooled = try builder.convolution("c", builder.input("x", [1, 3, 1, 1]), weights: [4, 3, 1, 1])
    builder.output(builder.node("y", .binary(.multiply), builder.input("image", [1, 4, 5, 5]), pooled))
    #expect(try builder.after(.postOpFusion).changes == 0)
  }

  @Test func unknownShapesWait() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", [.known(1), .known(3), .unknown, .unknown])
    let residual = builder.input("residual", [.known(1), .known(4), .unknown, .unknown])
    let convolved = try builder.convolution("c", x, weights: [4, 3, 1, 1])
    builder.output(builder.node("y", .binary(.add), convolved, residual))
    let (graph, changes) = try builder.after(.postOpFusion)
    #expect(changes == 0)
    let types = [ValueType(.float32, [1, 3, 5, 5] as Shape), ValueType(.float32, [1, 4, 5, 5] as Shape)]
    let specialised = try graph.specialised(inputs: types, known: [:], evaluator: nil)
    #expect(specialised.graph.ops == ["conv"])
    #expect(specialised.graph.nodes[0].postOps == [.binary(.add, residual)])
  }

  @Test func differencesKeepTheirOrder() throws {
    for swapped in [false, true] {
      var builder = GraphBuilder()
      let x = builder.input("x", [1, 3, 5, 5])
      let other = builder.input("other", [1, 4, 5, 5])
      let convolved = try builder.convolution("c", x, weights: [4, 3, 1, 1])
      builder.output(
        builder.node("y", .binary(.subtract), swapped ? other : convolved, swapped ? convolved : other))
      #expect(try builder.after(.postOpFusion).changes == (swapped ? 0 : 1))
    }
  }

  @Test func lastAxisOfAProduct() throws {
    for (dims, fits) in [([4], true), ([1, 4], true), ([2, 1], false)] {
      var builder = GraphBuilder()
      let product = builder.node(
        "m", .matrixMultiply(MatrixMultiply()), builder.input("a", [2, 3]), builder.input("b", [3, 4]))
      builder.output(builder.node("y", .binary(.add), product, builder.input("v", dims)))
      #expect(try builder.after(.postOpFusion).changes == (fits ? 1 : 0), "\(dims)")
    }
  }

  @Test func activationsOfOtherHosts() throws {
    var builder = GraphBuilder()
    let (a, b) = (builder.input("a", [1, 4, 5, 5]), builder.input("b", [1, 4, 5, 5]))
    let ramp = try builder.ramp("ramp", [4])
    let sum = builder.node("sum", .binary(.add), a, b)
    let normal = builder.node(
      "normal", .batchNormalization(epsilon: 1e-5), builder.node("r", .unary(.relu), sum), ramp, ramp, ramp,
      ramp)
    builder.output(builder.node("y", .unary(.relu), normal))
    let graph = try builder.after(.postOpFusion).graph
    #expect(graph.ops == ["binary.add", "norm.batch"])
    #expect(graph.nodes.map(\.postOps) == [[.unary(.relu)], [.unary(.relu)]])

    builder = GraphBuilder()
    let (i, j) = (builder.input("i", [2], .int64), builder.input("j", [2], .int64))
    builder.output(builder.node("y", .unary(.absolute), builder.node("sum", .binary(.add), i, j)))
    #expect(try builder.after(.postOpFusion).changes == 0)
  }

  @Test func arithmeticTakesItsActivationAlong() throws {
    // The sum and its activation are one node before shapes are known, and go into the convolution when they are.
    var builder = GraphBuilder()
    let x = builder.input("x", [.known(1), .known(3), .unknown, .unknown])
    let residual = builder.input("residual", [.known(1), .known(4), .unknown, .unknown])
    let sum = builder.node(
      "sum", .binary(.add), residual, try builder.convolution("c", x, weights: [4, 3, 1, 1]))
    builder.output(builder.node("y", .unary(.relu), sum))
    let graph = try builder.after(.postOpFusion).graph
    #expect(graph.ops == ["conv", "binary.add"])
    let types = [ValueType(.float32, [1, 3, 5, 5] as Shape), ValueType(.float32, [1, 4, 5, 5] as Shape)]
    let specialised = try graph.specialised(inputs: types, known: [:], evaluator: nil).graph
    try specialised.verify()
    #expect(specialised.nodes.map(\.postOps) == [[.binary(.add, residual), .unary(.relu)]])
  }
}
