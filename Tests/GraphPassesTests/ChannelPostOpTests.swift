import GraphPasses
import ModelGraph
import Tensors
import Testing

/// Functions and operands that become post-ops, by host, by number of axes, and by place.
struct ChannelPostOpTests {
  /// Returns true if arithmetic of `host` and an operand of `dims` becomes a post-op.
  private func isFused(
    _ dims: [Int], _ function: BinaryFunction = .multiply, isFirst: Bool = true,
    type: ElementType = .float32, host: (inout GraphBuilder) throws -> ValueID
  ) throws -> Bool {
    var builder = GraphBuilder()
    let made = try host(&builder)
    let operand = builder.input("operand", dims, type)
    builder.output(
      builder.node("y", .binary(function), isFirst ? made : operand, isFirst ? operand : made))
    let (graph, changes) = try builder.after(.postOpFusion)
    if changes > 0 {
      #expect(graph.nodes.map(\.postOps) == [[.binary(function, operand)]])
      #expect(graph.operandNames(of: "y").last == "operand")
    }
    return changes > 0
  }

  /// A convolution of one spatial axis gives [2, 4, 7], or [2, 4, 4], where a width is as large as the channels are many.
  @Test(arguments: [
    ([2, 4, 7], true), ([1, 4, 1], true), ([4, 1], true), ([1], true), ([], true), ([1, 1, 1], true),
    ([4], false), ([7], false), ([1, 7], false), ([1, 1, 7], false), ([2, 1, 1], false), ([2, 4, 1], false),
    ([4, 7], false), ([1, 1, 4, 1], false),
  ])
  func operandsOfAConvolutionOfOneSpatialAxis(dims: [Int], fits: Bool) throws {
    let width = dims == [4] ? 4 : 7
    #expect(
      try isFused(dims) { try $0.convolution("c", $0.input("x", [2, 3, width]), weights: [4, 3, 1]) } == fits)
  }

  /// Three spatial axes: [1, 4, 2, 3, 5].
  @Test(arguments: [
    ([1, 4, 2, 3, 5], true), ([4, 1, 1, 1], true), ([1, 4, 1, 1, 1], true), ([4, 1, 1], false),
    ([1, 1, 2, 1, 1], false), ([2, 1, 1], false),
  ])
  func operandsOfAConvolutionOfThreeSpatialAxes(dims: [Int], fits: Bool) throws {
    let depth = dims == [4, 1, 1] ? 4 : 2
    #expect(
      try isFused(dims) {
        try $0.convolution("c", $0.input("x", [1, 3, depth, 3, 5]), weights: [4, 3, 1, 1, 1])
      } == fits)
  }

  /// The channels of a product are its last axis, however many there are: [2, 4, 5].
  @Test(arguments: [
    ([2, 4, 5], true), ([5], true), ([1, 5], true), ([1, 1, 5], true), ([1], true), ([4, 1], false),
    ([1, 4, 1], false), ([2, 1, 1], false), ([4, 5], false), ([1, 4, 5], false),
  ])
  func operandsOfAProductOfThreeAxes(dims: [Int], fits: Bool) throws {
    #expect(
      try isFused(dims) {
        $0.node("m", .matrixMultiply(MatrixMultiply()), $0.input("a", [2, 4, 3]), $0.input("b", [2, 3, 5]))
      } == fits)
  }

  @Test func operandsOfADeconvolution() throws {
    for (dims, fits) in [([1, 4, 1, 1], true), ([5], false), ([1, 4, 5, 5], true)] {
      #expect(
        try isFused(dims) { builder in
          let x = builder.input("x", [1, 3, 5, 5])
          let convolution = Convolution(
            strides: [1, 1], dilations: [1, 1], padding: .explicit([0, 0, 0, 0]), groups: 1)
          return builder.node(
            "d", .deconvolution(Deconvolution(window: convolution, outputPadding: [0, 0], outputShape: nil)),
            x,
            try builder.ramp("w", [3, 4, 1, 1]))
        } == fits, "\(dims)")
    }
  }

  /// An operand whose channels are not known to be as many as the host's may be one for all of them.
  @Test func sizesThatAreNotSeenToBeEqualWait() throws {
    var builder = GraphBuilder()
    let convolved = try builder.convolution("c", builder.input("x", [1, 3, 7]), weights: [4, 3, 1])
    let gate = builder.input("gate", [.known(1), .unknown, .known(1)])
    builder.output(builder.node("y", .binary(.multiply), convolved, gate))
    #expect(try builder.after(.postOpFusion).changes == 0)
  }

  @Test func aHostOfZeroChannelsTakesThemAllTheSame() throws {
    #expect(
      try isFused([1, 0, 1]) { try $0.convolution("c", $0.input("x", [2, 3, 7]), weights: [0, 3, 1]) })
  }

  // MARK: Functions

  static let functions: [(BinaryFunction, first: Bool, second: Bool)] = [
    (.add, true, true), (.multiply, true, true), (.maximum, true, true), (.minimum, true, true),
    (.subtract, true, false), (.divide, true, false), (.power, false, false), (.modulo, false, false),
    (.remainder, false, false),
  ]

  @Test(arguments: functions.indices) func theHostIsTheFirstOperandWhereOrderMatters(index: Int) throws {
    let (function, first, second) = Self.functions[index]
    for (isFirst, fits) in [(true, first), (false, second)] {
      #expect(
        try isFused([1, 4, 1], function, isFirst: isFirst) {
          try $0.convolution("c", $0.input("x", [2, 3, 7]), weights: [4, 3, 1])
        } == fits, "\(function) \(isFirst)")
    }
  }

  static let applied: [UnaryFunction] = [
    .relu, .leakyRelu(slope: 0.1), .elu(alpha: 1), .clip(minimum: 0, maximum: 6), .sigmoid, .tanh,
    .hardSigmoid(alpha: 0.2, beta: 0.5), .hardSwish, .silu, .gelu(approximate: false),
    .gelu(approximate: true), .mish, .softplus, .absolute, .squareRoot, .exponential,
  ]
  static let notApplied: [UnaryFunction] = [
    .negate, .logarithm, .reciprocal, .floor, .ceiling, .round, .sign, .errorFunction, .sine, .cosine,
    .softsign, .celu(alpha: 1), .selu(alpha: 1, gamma: 1), .thresholdedRelu(alpha: 1), .arcTangent,
  ]

  @Test func functionsThatKernelsApply() throws {
    for (functions, isApplied) in [(Self.applied, true), (Self.notApplied, false)] {
      for function in functions {
        var builder = GraphBuilder()
        let convolved = try builder.convolution("c", builder.input("x", [1, 3, 7]), weights: [4, 3, 1])
        builder.output(builder.node("y", .unary(function), convolved))
        #expect(try builder.after(.postOpFusion).changes == (isApplied ? 1 : 0), "\(function)")
      }
    }
  }

  @Test func aNodeHasSixteenPostOpsAtMost() throws {
    var builder = GraphBuilder()
    var value = try builder.convolution("c", builder.input("x", [1, 3, 7]), weights: [4, 3, 1])
    for step in 0..<20 { value = builder.node("r\(step)", .unary(step % 2 == 0 ? .tanh : .relu), value) }
    builder.output(value)
    let graph = try builder.after(.postOpFusion).graph
    #expect(graph.nodes[0].postOps.count == 16)
    #expect(graph.nodes.count == 5)
  }

  @Test func integersHaveNoPostOps() throws {
    var builder = GraphBuilder()
    let product = builder.node(
      "m", .matrixMultiply(MatrixMultiply()), builder.input("a", [2, 3], .int32),
      builder.input("b", [3, 4], .int32))
    builder.output(builder.node("y", .binary(.add), product, builder.input("c", [2, 4], .int32)))
    #expect(try builder.after(.postOpFusion).changes == 0)
  }

  /// Each post-op names its operand, and the bias stays the convolution's own.
  @Test func operandsStandInTheOrderOfTheirPostOps() throws {
    var builder = GraphBuilder()
    let bias = try builder.ramp("bias", [4])
    let convolved = try builder.convolution(
      "c", builder.input("x", [1, 3, 7]), weights: [4, 3, 1], bias: bias)
    let residual = builder.input("residual", [1, 4, 7])
    let scale = builder.input("scale", [1, 4, 1])
    let sum = builder.node("sum", .binary(.add), convolved, residual)
    let active = builder.node("active", .unary(.relu), sum)
    builder.output(builder.node("y", .binary(.divide), active, scale))
    let graph = try builder.after(.postOpFusion).graph
    #expect(
      graph.nodes.map(\.postOps) == [
        [.binary(.add, residual), .unary(.relu), .binary(.divide, scale)]
      ])
    #expect(graph.nodes[0].inputs.last == bias)
    #expect(graph.operandNames(of: "y") == ["x", "c.w", "bias", "residual", "scale"])
  }
}
