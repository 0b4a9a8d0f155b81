import GraphPasses
import ModelGraph
import Tensors
import Testing

/// When normalisations and arithmetic may be folded into weights, and when not. (The numbers are in FoldingFixtureTests.)
struct FoldingTests {
  static var normalisation: Op { .batchNormalization(epsilon: 1e-5) }

  func normalise(
    _ builder: inout GraphBuilder, _ x: ValueID, channels: Int, variance: [Float]? = nil
  ) throws -> ValueID {
    builder.node(
      "bn", Self.normalisation, x, try builder.ramp("gamma", [channels]),
      try builder.ramp("beta", [channels]),
      try builder.ramp("mean", [channels]),
      try builder.constant("variance", variance ?? [Float](repeating: 0.5, count: channels), [channels]))
  }

  @Test func normalisationBehindAConvolution() throws {
    var builder = GraphBuilder()
    let c = try builder.convolution("c", builder.input("x", [1, 3, 5, 5]), weights: [4, 3, 1, 1])
    builder.output(try normalise(&builder, c, channels: 4))
    let graph = try builder.after(.batchNormalizationFolding).graph
    #expect(graph.ops == ["conv"])
    // 0.1 / √(0.5 + 1e-5) for the first channel; −mean · scale + beta = 0.1 · (1 − scale).
    let scale = 0.1 / (0.5 + 1e-5).squareRoot()
    #expect(
      graph.parameter(1, of: "bn")?.first
        == Float(Double(Float(0.1)) * Double(Float(0.1)) / (0.5 + 1e-5).squareRoot()))
    let bias = try #require(graph.parameter(2, of: "bn")?.first)
    #expect(abs(Double(bias) - 0.1 * (1 - scale)) < 1e-7)
  }

  @Test func aConvolutionThatOthersReadKeepsItsWeights() throws {
    for isOutput in [true, false] {
      var builder = GraphBuilder()
      let c = try builder.convolution("c", builder.input("x", [1, 3, 5, 5]), weights: [4, 3, 1, 1])
      builder.output(try normalise(&builder, c, channels: 4))
      builder.output(isOutput ? c : builder.node("other", .unary(.relu), c))
      #expect(try builder.after(.batchNormalizationFolding).changes == 0)
    }
  }

  @Test func sharedWeightsAreNotChangedInPlace() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", [1, 3, 5, 5])
    let c = try builder.convolution("c", x, weights: [4, 3, 1, 1])
    builder.output(try normalise(&builder, c, channels: 4))
    let weights = try #require(builder.graph.nodes[0].inputs[1])
    builder.output(builder.node("d", builder.graph.nodes[0].op, x, weights, nil))
    let graph = try builder.after(.batchNormalizationFolding).graph
    #expect(graph.parameter(1, of: "d") == (1...12).map { Float($0) / 10 })
    #expect(graph.parameter(1, of: "bn") != graph.parameter(1, of: "d"))
  }

  @Test func parametersThatAreNotKnownOrNotFiniteStay() throws {
    var builder = GraphBuilder()
    let c = try builder.convolution("c", builder.input("x", [1, 3, 5, 5]), weights: [4, 3, 1, 1])
    let gamma = builder.input("gamma", [4])
    let ramp = try builder.ramp("ramp", [4])
    builder.output(builder.node("bn", Self.normalisation, c, gamma, ramp, ramp, ramp))
    #expect(try builder.after(.batchNormalizationFolding).changes == 0)

    builder = GraphBuilder()
    let d = try builder.convolution("c", builder.input("x", [1, 3, 5, 5]), weights: [4, 3, 1, 1])
    builder.output(try normalise(&builder, d, channels: 4, variance: [1, 1, 1, -1]))
    #expect(try builder.after(.batchNormalizationFolding).changes == 0)
  }

  @Test func weightsOfACompiledModelStay() throws {
    var builder = GraphBuilder()
    let c = try builder.convolution("c", builder.input("x", [1, 3, 5, 5]), weights: [4, 3, 1, 1])
    let weights = try #require(builder.graph.nodes[0].inputs[1])
    builder.graph.constants[weights] = .weight(index: 0, elementType: .float32, shape: [4, 3, 1, 1])
    builder.output(try normalise(&builder, c, channels: 4))
    #expect(try builder.after(.batchNormalizationFolding).changes == 0)
  }

  @Test func channelsOfAProductOfThreeAxesAreNotItsLast() throws {
    var builder = GraphBuilder()
    let product = builder.node(
      "m", .matrixMultiply(MatrixMultiply()), builder.input("a", [2, 4, 3]), try builder.ramp("b", [3, 4]))
    builder.output(try normalise(&builder, product, channels: 4))
    #expect(try builder.after(.batchNormalizationFolding).changes == 0)
  }

  @Test func aPadOfZerosBehindTheConvolutionStays() throws {
    // Normalised zeros are not the same number in every channel.
    var builder = GraphBuilder()
    let c = try builder.convolution("c", builder.input("x", [1, 3, 5, 5]), weights: [4, 3, 1, 1])
    let pads = try builder.integers("pads", [0, 0, 1, 1, 0, 0, 1, 1])
    builder.output(try normalise(&builder, builder.node("pad", .pad(.constant), c, pads), channels: 4))
    #expect(try builder.after(.batchNormalizationFolding).changes == 0)
  }

  // MARK: Arithmetic

  /// Constants that fold into a convolution with a result of [1, 4, 5, 4], whose width equals its number of
  /// channels.
  @Test(
    arguments: [
      ([1, 4, 1, 1], true), ([4, 1, 1], true), ([], true), ([1], true), ([1, 1, 1, 1], true),
      ([4], false), ([1, 1, 1, 4], false), ([1, 1, 5, 1], false), ([1, 4, 5, 4], false),
      ([2, 4, 1, 1], false),
      ([1, 1, 4, 1, 1], false),
    ])
  func constantsThatFold(dims: [Int], folds: Bool) throws {
    for op in [BinaryFunction.add, .subtract, .multiply, .divide] {
      var builder = GraphBuilder()
      let c = try builder.convolution("c", builder.input("x", [1, 3, 5, 4]), weights: [4, 3, 1, 1])
      builder.output(builder.node("y", .binary(op), c, try builder.ramp("constant", dims)))
      #expect(try builder.after(.affineFolding).changes == (folds ? 1 : 0), "\(op)")
    }
  }

  @Test func oneChannelTimesManyStays() throws {
    var builder = GraphBuilder()
    let c = try builder.convolution("c", builder.input("x", [1, 3, 5, 5]), weights: [1, 3, 1, 1])
    builder.output(builder.node("y", .binary(.multiply), c, try builder.ramp("constant", [1, 4, 1, 1])))
    #expect(try builder.after(.affineFolding).changes == 0)
  }

  @Test func otherFunctionsStay() throws {
    let build: [(inout GraphBuilder, ValueID) throws -> ValueID] = [
      { $0.node("y", .binary(.divide), try $0.constant("constant", [2]), $1) },
      { $0.node("y", .binary(.divide), $1, try $0.constant("constant", [0])) },
      { $0.node("y", .binary(.maximum), $1, try $0.constant("constant", [2])) },
      { $0.node("y", .binary(.power), $1, try $0.constant("constant", [2])) },
    ]
    for (index, node) in build.enumerated() {
      var builder = GraphBuilder()
      let c = try builder.convolution("c", builder.input("x", [1, 3, 5, 5]), weights: [4, 3, 1, 1])
      builder.output(try node(&builder, c))
      #expect(try builder.after(.affineFolding).changes == 0, "\(index)")
    }
  }

  @Test func aBiasIsAddedWhereWeightsAreNotKnown() throws {
    var builder = GraphBuilder()
    let product = builder.node(
      "m", .matrixMultiply(MatrixMultiply()), builder.input("a", [2, 3]), builder.input("b", [3, 4]))
    builder.output(builder.node("y", .binary(.add), product, try builder.ramp("bias", [1, 4])))
    let graph = try builder.after(.affineFolding).graph
    #expect(graph.ops == ["matmul"])
    #expect(graph.parameter(2, of: "y") == [0.1, 0.2, 0.3, 0.4])
  }

  @Test func aConstantThatMakesAProductLargerStays() throws {
    var builder = GraphBuilder()
    let product = builder.node(
      "m", .matrixMultiply(MatrixMultiply()), builder.input("a", [2, 3]), try builder.ramp("b", [3, 4]))
    builder.output(builder.node("y", .binary(.add), product, try builder.ramp("bias", [1, 1, 4])))
    #expect(try builder.after(.affineFolding).changes == 0)
  }

  @Test func scalesOfAProductOfTwoActivations() throws {
    var builder = GraphBuilder()
    let (a, b) = (builder.input("a", [2, 3, 4]), builder.input("b", [2, 4, 5]))
    let scaled = builder.node("scaled", .binary(.multiply), a, try builder.constant("half", [0.5], [1]))
    let product = builder.node("m", .matrixMultiply(MatrixMultiply(alpha: 3)), scaled, b)
    builder.output(builder.node("y", .binary(.divide), product, try builder.constant("four", [4])))
    let graph = try builder.after(.affineFolding).graph
    #expect(graph.nodes.map(\.op) == [.matrixMultiply(MatrixMultiply(alpha: 0.375))])
    #expect(graph.operandNames(of: "y") == ["a", "b"])
  }

  @Test func padsMerge() throws {
    func builder(
      _ pads: [Int64], mode: PadMode = .constant, value: Float = 0, convolution padding: Int = 1
    ) throws -> GraphBuilder {
      var builder = GraphBuilder()
      let x = builder.input("x", [1, 3, 5, 5])
      let padded = builder.node(
        "pad", .pad(mode), x, try builder.integers("pads", pads), try builder.constant("value", [value]))
      let channels = 3 + Int(pads[1] + pads[5])
      builder.output(
        try builder.convolution("y", padded, weights: [4, channels, 3, 3], padding: padding))
      return builder
    }
    let graph = try builder([0, 0, 1, 2, 0, 0, 3, 4]).after(.padMerging).graph
    #expect(graph.ops == ["conv"])
    #expect(graph.nodes[0].op.as(Convolution.self)?.padding == .explicit([2, 3, 4, 5]))

    #expect(try builder([0, 0, 1, 1, 0, 0, 1, 1], mode: .edge).after(.padMerging).changes == 0)
    #expect(try builder([0, 0, 1, 1, 0, 0, 1, 1], value: 1).after(.padMerging).changes == 0)
    #expect(try builder([0, 1, 1, 1, 0, 0, 1, 1]).after(.padMerging).changes == 0)
    #expect(try builder([0, 0, -1, 1, 0, 0, 1, 1]).after(.padMerging).changes == 0)
  }
}
