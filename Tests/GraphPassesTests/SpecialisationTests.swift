import GraphPasses
import ModelGraph
import Tensors
import Testing

struct SpecialisationTests {
  func type(_ dims: Int...) -> ValueType { ValueType(.float32, dims.map { Dimension.known($0) }) }

  @Test func everyShapeIsKnown() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", [.symbol("batch"), .known(3), .symbol("height"), .symbol("width")])
    let c = try builder.convolution("c", x, weights: [4, 3, 3, 3], padding: 1)
    builder.output(builder.node("y", .flatten(axis: 1), c))
    let graph = try builder.typed()
    for (batch, size) in [(1, 8), (2, 5)] {
      let specialised = try graph.specialised(
        inputs: [type(batch, 3, size, size)], known: [:], evaluator: nil)
      try specialised.graph.verify()
      for output in specialised.graph.outputs {
        #expect(specialised.inference[output]?.shape?.dims == [batch, 4 * size * size])
      }
      #expect(specialised.inference.types.count == specialised.graph.values.count)
    }
  }

  @Test func idsAreKept() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", [.symbol("batch"), .known(3), .known(5), .known(5)])
    let c = try builder.convolution("c", x, weights: [4, 3, 1, 1])
    builder.output(builder.node("y", .unary(.sine), c))
    let graph = try builder.typed()
    let specialised = try graph.specialised(inputs: [type(1, 3, 5, 5)], known: [:], evaluator: nil).graph
    #expect(specialised.inputs == graph.inputs)
    #expect(specialised.outputs == graph.outputs)
    #expect(specialised.nodes == graph.nodes)
  }

  @Test func shapesThatDoNotFitAreRefused() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", [.symbol("batch"), .known(3), .known(5), .known(5)])
    builder.output(try builder.convolution("c", x, weights: [4, 3, 1, 1]))
    let graph = try builder.typed()
    #expect(throws: GraphError.self) {
      try graph.specialised(inputs: [type(1, 2, 5, 5)], known: [:], evaluator: nil)
    }
    #expect(throws: GraphError.self) { try graph.specialised(inputs: [], known: [:], evaluator: nil) }
  }

  /// nonZero's result has a shape that depends on data: known, the rest of the graph is.
  @Test func whatIsKnownCutsTheGraph() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", [4])
    let found = builder.node("found", .nonZero, x)
    let squeezed = builder.node("squeezed", .squeeze, found, try builder.integers("axes", [0]))
    builder.output(builder.node("y", .gather(axis: 0), x, squeezed))
    let graph = try builder.typed()
    let open = try graph.specialised(inputs: [type(4)], known: [:], evaluator: nil)
    #expect(open.inference[open.graph.outputs[0]]?.shape == nil)
    let indices = try Tensor([Int64(1), 3], shape: [1, 2])
    let cut = try graph.specialised(inputs: [type(4)], known: [found: indices], evaluator: nil)
    try cut.graph.verify()
    #expect(cut.graph.ops == ["gather"])
    #expect(cut.inference[cut.graph.outputs[0]]?.shape == [2])
  }

  @Test func anInputThatIsKnownStaysAnInput() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", [.known(4), .unknown])
    let sizes = builder.input("sizes", [2], .int64)
    builder.output(builder.node("y", .reshape(allowZero: false), x, sizes))
    let graph = try builder.typed()
    let specialised = try graph.specialised(
      inputs: [type(4, 3), ValueType(.int64, [2] as Shape)],
      known: [sizes: try Tensor([Int64(6), 2], shape: [2])], evaluator: nil)
    try specialised.graph.verify()
    #expect(specialised.graph.inputs == graph.inputs)
    #expect(specialised.inference[specialised.graph.outputs[0]]?.shape == [6, 2])
  }

  @Test func weightsAreNeverFolded() throws {
    var builder = GraphBuilder()
    let weight = try builder.ramp("w", [3])
    builder.graph.constants[weight] = .weight(index: 7, elementType: .float32, shape: [3])
    let wide = builder.node("wide", .unsqueeze, weight, try builder.integers("axes", [0]))
    builder.output(builder.node("y", .binary(.add), builder.input("x", [.symbol("n"), .known(3)]), wide))
    let specialised = try builder.typed().specialised(inputs: [type(2, 3)], known: [:], evaluator: Adder())
    #expect(specialised.graph.ops == ["reshape", "binary.add"])
    #expect(specialised.graph.constants[weight]?.tensor == nil)
  }
}

struct PipelineTests {
  /// A block of ResNet, its normalisations not folded: two convolutions with their activations are left.
  @Test func aResidualBlock() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", [.symbol("batch"), .known(4), .known(5), .known(5)])
    func normalised(_ name: String, _ x: ValueID) throws -> ValueID {
      let c = try builder.convolution("\(name).c", x, weights: [4, 4, 3, 3], padding: 1)
      return builder.node(
        name, .batchNormalization(epsilon: 1e-5), c, try builder.ramp("\(name).gamma", [4]),
        try builder.ramp("\(name).beta", [4]), try builder.ramp("\(name).mean", [4]),
        try builder.ramp("\(name).variance", [4]))
    }
    let first = builder.node("r", .unary(.relu), try normalised("one", x))
    let sum = builder.node("sum", .binary(.add), try normalised("two", first), x)
    builder.output(builder.node("y", .unary(.relu), sum))
    var graph = try builder.typed()
    var names: [String] = []
    let report = try PassPipeline.optimise(&graph, evaluator: nil, verifying: true) { names.append($0) }
    #expect(graph.ops == ["conv", "conv"])
    #expect(
      graph.nodes.map(\.postOps) == [[.unary(.relu)], [.binary(.add, graph.inputs[0]), .unary(.relu)]])
    #expect(graph.outputs.map { graph[$0].name } == ["y"])
    #expect(report.nodesBefore == 7 && report.nodesAfter == 2)
    #expect(report.folded == 2 && report.fused == 3)
    #expect(report.changes["batch normalisation folding"] == 2)
    #expect(Set(names) == Set(PassPipeline.optimisation.map(\.name)))
    // Folded constants are not kept, and equal weights are one: x, weights, bias, r and y are left.
    #expect(graph.constants.count == 2)
    #expect(graph.values.count == 5)
  }

  @Test func aGraphWithNothingToDoStays() throws {
    var builder = GraphBuilder()
    builder.output(builder.node("y", .unary(.sine), builder.input("x", [2, 3])))
    let before = try builder.typed()
    var graph = before
    let report = try PassPipeline.optimise(&graph, evaluator: nil, verifying: true)
    #expect(graph == before)
    #expect(report.changes.isEmpty)
  }

  @Test func twiceIsOnce() throws {
    for fixture in try FoldingFixture.all() {
      var graph = try fixture.model()
      _ = try PassPipeline.optimise(&graph, evaluator: nil, verifying: true)
      var again = graph
      let report = try PassPipeline.optimise(&again, evaluator: nil, verifying: true)
      #expect(again == graph, "\(fixture.name)")
      #expect(report.changes.isEmpty)
    }
  }
}
