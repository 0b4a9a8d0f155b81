import GraphPasses
import ModelGraph
import Tensors
import Testing

/// A sequence of numbers that a seed decides (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

/// A graph of random nodes over images, rich in what passes look for: shared values, values that are outputs, too,
/// constants that almost fit.
func randomGraph(seed: UInt64, nodes: Int = 24) throws -> Graph {
  var random = SeededGenerator(state: seed)
  var builder = GraphBuilder()
  let dims = [2, 4, 3, 3]
  var images = [builder.input("x0", dims), builder.input("x1", dims)]
  var number = 0
  func name(_ prefix: String) -> String {
    number += 1
    return "\(prefix)\(number)"
  }
  func pick(_ random: inout SeededGenerator) -> ValueID {
    // Mostly a recent value, so that chains come about.
    images[max(images.count - 1 - Int.random(in: 0..<4, using: &random), 0)]
  }
  let constants: [[Int]] = [[], [1], [4, 1, 1], [1, 4, 1, 1], [3], [1, 1, 3, 3], [1, 1, 1, 1, 1]]
  let functions: [UnaryFunction] = [
    .relu, .sigmoid, .tanh, .softplus, .absolute, .negate, .clip(minimum: 0, maximum: 6),
    .clip(minimum: 0, maximum: 1), .hardSigmoid(alpha: 1 / 6, beta: 0.5), .errorFunction,
  ]
  let arithmetic: [BinaryFunction] = [.add, .subtract, .multiply, .add, .multiply, .maximum]
  for _ in 0..<nodes {
    let x = pick(&random)
    let made: ValueID
    switch Int.random(in: 0..<12, using: &random) {
    case 0...1: made = builder.node(name("u"), .unary(functions.randomElement(using: &random) ?? .relu), x)
    case 2...3:
      made = builder.node(
        name("b"), .binary(arithmetic.randomElement(using: &random) ?? .add), x, pick(&random))
    case 4...5:
      let offsets: [Float] = [0, 1, 3, 1 / 6, 0.5]
      let value = offsets.randomElement(using: &random) ?? 1
      let shape = constants.dropLast().randomElement(using: &random) ?? []
      let elements = (0..<shape.reduce(1, *)).map { (index: Int) -> Float in value + Float(index) / 8 }
      let constant = try builder.constant(name("k"), elements, shape)
      let function = arithmetic.randomElement(using: &random) ?? .add
      let isFirst = Bool.random(using: &random)
      made = builder.node(name("c"), .binary(function), isFirst ? constant : x, isFirst ? x : constant)
    case 6...7:
      let isWide = Bool.random(using: &random)
      let window = isWide ? [4, 4, 3, 3] : [4, 1, 1, 1]
      made = try builder.convolution(
        name("conv"), x, weights: window, padding: isWide ? 1 : 0, groups: isWide ? 1 : 4)
    case 8:
      let parameters = try (0..<4).map { _ in try builder.ramp(name("p"), [4]) }
      made = builder.node(
        name("bn"), .batchNormalization(epsilon: 1e-3), x, parameters[0], parameters[1], parameters[2],
        parameters[3])
    case 9:
      let there = builder.node(name("t"), .transpose(permutation: [0, 2, 3, 1]), x)
      let inner = Bool.random(using: &random) ? builder.node(name("tu"), .unary(.relu), there) : there
      made = builder.node(name("tb"), .transpose(permutation: [0, 3, 1, 2]), inner)
    case 10:
      let flat = builder.node(name("f"), .flatten(axis: 2), x)
      let inner = Bool.random(using: &random) ? builder.node(name("fu"), .unary(.sigmoid), flat) : flat
      made = builder.node(
        name("r"), .reshape(allowZero: false), inner, try builder.integers(name("s"), [2, 4, 3, 3]))
    default:
      let pads = try builder.integers(name("n"), [0, 0, 1, 1, 0, 0, 0, 0])
      let padded = builder.node(name("pad"), .pad(Bool.random(using: &random) ? .constant : .edge), x, pads)
      let weights = try builder.ramp(name("w"), [4, 4, 2, 2])
      made = builder.node(
        name("pconv"),
        .convolution(
          Convolution(strides: [1, 1], dilations: [1, 1], padding: .explicit([0, 0, 0, 0]), groups: 1)),
        padded,
        weights, nil)
    }
    images.append(made)
  }
  builder.graph.outputs = [images[images.count - 1]]
  for id in images.dropFirst(2).dropLast() where Int.random(in: 0..<10, using: &random) == 0 {
    builder.graph.outputs.append(id)
  }
  return try builder.typed()
}

/// Any graph stays well-formed after every pass, gives the same outputs, and does not grow.
struct RandomGraphTests {
  @Test func passesKeepGraphsWellFormed() throws {
    for seed in 0..<80 as Range<UInt64> {
      let before = try randomGraph(seed: seed)
      var graph = before
      let report = try PassPipeline.optimise(&graph, evaluator: nil, verifying: true)
      #expect(graph.outputs.map { graph[$0].name } == before.outputs.map { before[$0].name }, "seed \(seed)")
      #expect(graph.outputs.map { graph[$0].type } == before.outputs.map { before[$0].type }, "seed \(seed)")
      #expect(graph.inputs.map { graph[$0].name } == ["x0", "x1"])
      #expect(report.nodesAfter <= report.nodesBefore, "seed \(seed)")
    }
  }

  @Test func everyPassAloneKeepsGraphsWellFormed() throws {
    for seed in 1000..<1015 as Range<UInt64> {
      let before = try randomGraph(seed: seed)
      for pass in PassPipeline.optimisation {
        var graph = before
        let changes = try pass.run(&graph, nil)
        #expect(throws: Never.self, "\(pass.name), seed \(seed)") { try graph.verify() }
        #expect((changes > 0) == (graph != before), "\(pass.name), seed \(seed)")
      }
    }
  }
}
