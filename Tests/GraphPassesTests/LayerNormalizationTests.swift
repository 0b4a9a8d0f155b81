import GraphPasses
import ModelGraph
import Tensors
import Testing

struct LayerNormalizationTests {
  /// The test's deviation from the usual form.
  struct Form {
    var axes: [Int64] = [-1]
    var varianceAxes: [Int64]?
    var exponent: Float? = 2
    var scaleDims = [4]
    var keepDimensions = true
    var root = UnaryFunction.squareRoot
    var showsMean = false
  }

  /// d / √(mean(d²) + 1e-5) · scale + bias over an x of [2, 3, 4].
  func builder(_ form: Form = Form()) throws -> GraphBuilder {
    var builder = GraphBuilder()
    let x = builder.input("x", [2, 3, 4])
    let reduce = Op.reduce(.mean, keepDimensions: form.keepDimensions, noopWithEmptyAxes: false)
    let axes = try builder.integers("axes", form.axes)
    let mean = builder.node("mean", reduce, x, axes)
    let difference = builder.node("d", .binary(.subtract), x, mean)
    let square =
      try form.exponent.map {
        builder.node("square", .binary(.power), difference, try builder.constant("two", [$0]))
      } ?? builder.node("square", .binary(.multiply), difference, difference)
    let varianceAxes = try form.varianceAxes.map { try builder.integers("axes2", $0) } ?? axes
    let variance = builder.node("variance", reduce, square, varianceAxes)
    let padded = builder.node("padded", .binary(.add), variance, try builder.constant("epsilon", [1e-5]))
    let deviation = builder.node("deviation", .unary(form.root), padded)
    let normal = builder.node("normal", .binary(.divide), difference, deviation)
    let scaled = builder.node(
      "scaled", .binary(.multiply), normal, try builder.ramp("scale", form.scaleDims))
    builder.output(builder.node("y", .binary(.add), scaled, try builder.ramp("bias", [4])))
    if form.showsMean { builder.output(mean) }
    return builder
  }

  @Test func theUsualFormIsOneNode() throws {
    for form in [Form(), Form(exponent: nil), Form(axes: [2]), Form(scaleDims: [1, 1, 4])] {
      let graph = try builder(form).after(.layerNormalizationRecognition).graph
      #expect(graph.nodes.count == 1)
      guard let normalization = graph.nodes.first?.op.as(LayerNormalization.self) else {
        Issue.record("\(graph.ops)")
        continue
      }
      #expect(normalization.axis == 2)
      #expect(Float(normalization.epsilon) == 1e-5)
      #expect(graph.operandNames(of: "y").first == "x")
      #expect(graph.parameter(1, of: "y") == [0.1, 0.2, 0.3, 0.4])
      #expect(graph.tensor(graph.nodes[0].inputs[1])?.shape == [4])
      #expect(graph.parameter(2, of: "y") == [0.1, 0.2, 0.3, 0.4])
    }
  }

  @Test func severalAxes() throws {
    let graph = try builder(Form(axes: [1, 2], scaleDims: [3, 4])).after(.layerNormalizationRecognition).graph
    // The bias of [4] is not one for each of the 3 × 4 normalised elements: it stays an addition.
    #expect(graph.ops == ["norm.layer", "binary.add"])
    #expect(graph.nodes[0].op == .layerNormalization(axis: 1, epsilon: Double(Float(1e-5))))
  }

  @Test func nearMisses() throws {
    let forms = [
      Form(axes: [1]),  // not the last axis: the scale of [4] would be of another one
      Form(axes: [0, 2]), Form(varianceAxes: [1]), Form(exponent: 3), Form(root: .absolute),
    ]
    for form in forms {
      let (graph, _) = try builder(form).after(.layerNormalizationRecognition)
      #expect(!graph.ops.contains("norm.layer"), "\(form)")
    }
  }

  @Test func aMeanThatOthersReadStays() throws {
    let graph = try builder(Form(showsMean: true)).after(.layerNormalizationRecognition).graph
    #expect(graph.ops.sorted() == ["norm.layer", "reduce.mean"])
  }

  @Test func aScaleAlongAnotherAxisStays() throws {
    let graph = try builder(Form(scaleDims: [3, 1])).after(.layerNormalizationRecognition).graph
    #expect(graph.ops == ["norm.layer", "binary.multiply", "binary.add"])
    #expect(graph.parameter(1, of: "normal") == [1, 1, 1, 1])
  }

  /// As Flax writes it: sums times 1/n, E[x²] − E[x]², reshaped back, times 1/√ that was multiplied by the scale first.
  @Test(arguments: [true, false]) func flaxForm(isRight: Bool) throws {
    var builder = GraphBuilder()
    let x = builder.input("x", [2, 4])
    let sum = Op.reduce(.sum, keepDimensions: false, noopWithEmptyAxes: true)
    let axes = try builder.integers("axes", [1])
    let part = try builder.constant("part", [isRight ? 0.25 : 0.2])
    let shape = try builder.integers("shape", [2, 1])
    let mean = builder.node("mean", .binary(.multiply), builder.node("sum", sum, x, axes), part)
    let square = builder.node("square", .binary(.multiply), x, x)
    let squares = builder.node(
      "squares", .binary(.multiply), builder.node("sum2", sum, square, axes), part)
    let difference = builder.node(
      "variance", .binary(.subtract), squares, builder.node("mean2", .binary(.multiply), mean, mean))
    let positive = builder.node("positive", .binary(.maximum), try builder.constant("zero", [0]), difference)
    let variance = builder.node("kept", .reshape(allowZero: false), positive, shape)
    let padded = builder.node("padded", .binary(.add), variance, try builder.constant("epsilon", [1e-6]))
    let inverse = builder.node(
      "inverse", .unary(.reciprocal), builder.node("root", .unary(.squareRoot), padded))
    let gain = builder.node("gain", .binary(.multiply), inverse, try builder.ramp("scale", [1, 4]))
    let centred = builder.node(
      "centred", .binary(.subtract), x, builder.node("kept2", .reshape(allowZero: false), mean, shape))
    let scaled = builder.node("scaled", .binary(.multiply), centred, gain)
    builder.output(builder.node("y", .binary(.add), scaled, try builder.ramp("bias", [1, 4])))

    var graph = try builder.typed()
    // The product is taken apart in the first run and recognised in the second.
    for _ in 0..<2 { _ = try Pass.layerNormalizationRecognition.run(&graph, nil) }
    try graph.verify()
    if isRight {
      #expect(graph.ops == ["norm.layer"])
      #expect(graph.parameter(1, of: "y") == [0.1, 0.2, 0.3, 0.4])
      #expect(graph.parameter(2, of: "y") == [0.1, 0.2, 0.3, 0.4])
    } else {
      #expect(!graph.ops.contains("norm.layer"))
    }
  }
}
