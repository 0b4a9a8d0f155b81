import GraphPasses
import ModelGraph
import Tensors
import Testing

/// Conditionals: what is known is decided, branches are optimised as graphs are, and weights lie in the outermost graph.
struct ConditionalTests {
  /// A branch that gives conv(x) + relu, its weights its own; `factor` tells branches apart.
  func branch(_ name: String, factor: Float, capturing weights: Bool = false) throws -> Graph {
    var builder = GraphBuilder()
    builder.graph.name = name
    let x = builder.input("x", [1, 3, 5, 5])
    let w =
      weights
      ? builder.input("w", [8, 3, 1, 1])
      : try builder.constant("w", (1...24).map { Float($0) * factor }, [8, 3, 1, 1])
    let convolution = Convolution(
      strides: [1, 1], dilations: [1, 1], padding: .explicit([0, 0, 0, 0]), groups: 1)
    let c = builder.node("c", .convolution(convolution), x, w, nil)
    let scaled = builder.node("scaled", .binary(.multiply), c, try builder.constant("factor", [factor]))
    builder.output(builder.node("y", .unary(.relu), scaled))
    return builder.graph
  }

  func conditional(
    _ builder: inout GraphBuilder, _ condition: ValueID, then: Graph, otherwise: Graph, _ captured: ValueID...
  ) -> ValueID {
    let result = builder.graph.addValue("if")
    builder.graph.nodes.append(
      Node(
        name: "if", op: .conditional(then: then, otherwise: otherwise), inputs: [condition] + captured,
        outputs: [result]))
    return result
  }

  func branches(_ node: Node?) throws -> (Graph, Graph) {
    guard let conditional = node?.op.as(Conditional.self) else {
      throw GraphTestFailure(what: "not a conditional: \(node.map(\.op.name) ?? "nothing")")
    }
    return (conditional.then, conditional.otherwise)
  }

  struct GraphTestFailure: Error { var what: String }

  @Test func bothBranchesAreOptimised() throws {
    var builder = GraphBuilder()
    let (c, x) = (builder.input("c", [Int](), .bool), builder.input("x", [1, 3, 5, 5]))
    builder.output(
      conditional(&builder, c, then: try branch("a", factor: 2), otherwise: try branch("b", factor: 3), x))
    var graph = try builder.typed()
    let report = try PassPipeline.optimise(&graph, evaluator: nil, verifying: true)
    let (then, otherwise) = try branches(graph.nodes.first)
    for branch in [then, otherwise] {
      #expect(branch.ops == ["conv"])
      #expect(branch.nodes[0].postOps == [.unary(.relu)])
    }
    #expect(report.nodesBefore == 7)
    #expect(report.nodesAfter == 3)
  }

  @Test func weightsAreHoisted() throws {
    var builder = GraphBuilder()
    let (c, x) = (builder.input("c", [Int](), .bool), builder.input("x", [1, 3, 5, 5]))
    let pair = (try branch("a", factor: 2), try branch("b", factor: 3))
    builder.output(conditional(&builder, c, then: pair.0, otherwise: pair.1, x))
    let (graph, changes) = try builder.after(.hoistBranchConstants)
    #expect(changes == 2)
    // The weights are 96 bytes; the factor's 4 bytes may stay.
    let (then, otherwise) = try branches(graph.nodes.first)
    for branch in [then, otherwise] {
      #expect(branch.constants.values.allSatisfy { ($0.tensor?.byteCount ?? 0) <= 64 })
      #expect(branch.inputs.count == graph.nodes[0].inputs.count - 1)
    }
  }

  @Test func oneWeightThatBothCaptureIsHoistedOnce() throws {
    var builder = GraphBuilder()
    let (c, x) = (builder.input("c", [Int](), .bool), builder.input("x", [1, 3, 5, 5]))
    let w = try builder.ramp("w", [8, 3, 1, 1])
    let pair = (
      try branch("a", factor: 2, capturing: true), try branch("b", factor: 3, capturing: true)
    )
    builder.output(conditional(&builder, c, then: pair.0, otherwise: pair.1, x, w))
    var graph = try builder.typed()
    #expect(try Pass.sinkBranchConstants.run(&graph, nil) == 1)
    try graph.verify()
    let (then, otherwise) = try branches(graph.nodes.first)
    #expect(then.constants.count == 2 && otherwise.constants.count == 2)
    #expect(graph.nodes[0].inputs == [c, x])

    #expect(try Pass.hoistBranchConstants.run(&graph, nil) == 2)
    try graph.verify()
    #expect(graph.nodes[0].inputs == [c, x, w])
  }

  @Test func aKnownConditionIsDecided() throws {
    for isTrue in [true, false] {
      var builder = GraphBuilder()
      let x = builder.input("x", [1, 3, 5, 5])
      let c = builder.graph.addConstant("c", try Tensor([isTrue], shape: .scalar))
      let pair = (try branch("a", factor: 2), try branch("b", factor: 3))
      builder.output(conditional(&builder, c, then: pair.0, otherwise: pair.1, x))
      var graph = try builder.typed()
      _ = try PassPipeline.optimise(&graph, evaluator: nil, verifying: true)
      #expect(graph.ops == ["conv"])
      #expect(graph.parameter(1, of: "if")?.first == (isTrue ? 4 : 9))
      #expect(graph.outputs.map { graph[$0].name } == ["if"])
    }
  }

  @Test func aConditionOfShapesIsDecidedWhenTheyAreKnown() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", [.symbol("batch"), .known(3), .known(5), .known(5)])
    let batch = builder.node(
      "batch", .gather(axis: 0), builder.node("shape", .shape(start: 0, end: nil), x),
      try builder.integers("zero", [0]))
    let c = builder.node("c", .binary(.equal), batch, try builder.integers("one", [1]))
    let pair = (try branch("a", factor: 2), try branch("b", factor: 3))
    builder.output(conditional(&builder, c, then: pair.0, otherwise: pair.1, x))
    var graph = try builder.typed()
    _ = try PassPipeline.optimise(&graph, evaluator: nil, verifying: true)
    #expect(graph.ops.last == "if")
    let specialised = try graph.specialised(
      inputs: [ValueType(.float32, [1, 3, 5, 5] as Shape)], known: [:], evaluator: nil)
    try specialised.graph.verify()
    #expect(specialised.graph.ops == ["conv"])
    #expect(specialised.graph.parameter(1, of: "if")?.first == 4)
  }

  /// Says that every number is a half, and every comparison true.
  private struct Halves: ConstantEvaluator {
    func evaluate(
      _ node: Node, operands: [Tensor?], resultTypes: [ValueType?], in graph: String
    ) throws -> [Tensor?]? {
      try resultTypes.map { type in
        type?.elementType == .bool ? try Tensor([true], shape: [1]) : try Tensor([Float(0.5)], shape: [1])
      }
    }
  }

  /// Conditionals each of which is decided by what is computed of the one before: one a round.
  private func chain(of count: Int) throws -> Graph {
    func branch(adding number: Float) throws -> Graph {
      var builder = GraphBuilder()
      let captured = builder.input("v", [1])
      builder.output(builder.node("sum", .binary(.add), captured, try builder.constant("n", [number], [1])))
      return builder.graph
    }
    let (then, otherwise) = (try branch(adding: 0), try branch(adding: 1))
    var builder = GraphBuilder()
    let x = builder.input("x", [.symbol("n")])
    let one = try builder.constant("one", [1], [1])
    var value = try builder.constant("start", [0.5], [1])
    for index in 0..<count {
      let sine = builder.node("s\(index)", .unary(.sine), value)
      let condition = builder.node("c\(index)", .binary(.less), sine, one)
      value = builder.node(
        "v\(index)", .conditional(then: then, otherwise: otherwise), condition, value)
    }
    builder.output(builder.node("y", .binary(.add), x, value))
    return try builder.typed()
  }

  @Test func aCheckEndsTheRoundsOfASpecialisation() throws {
    struct Over: Error {}
    let graph = try chain(of: 20)
    let types = [ValueType(.float32, [1] as Shape)]
    var checks = 0
    func check(_ limit: Int) throws {
      checks += 1
      if checks == limit { throw Over() }
    }
    let whole = try graph.specialised(inputs: types, known: [:], evaluator: Halves()) { try check(.max) }
    #expect(whole.graph.ops == ["binary.add"])
    // Each round decides one.
    #expect(checks > 20)
    checks = 0
    #expect(throws: Over.self) {
      try graph.specialised(inputs: types, known: [:], evaluator: Halves()) { try check(10) }
    }
    #expect(checks == 10)
  }

  @Test(arguments: [0, 1])
  func whatNeitherBranchReadsIsNotCaptured(position: Int) throws {
    var builder = GraphBuilder()
    let (c, x) = (builder.input("c", [Int](), .bool), builder.input("x", [1, 3, 5, 5]))
    var pair = (try branch("a", factor: 2), try branch("b", factor: 3))
    for keyPath in [\(Graph, Graph).0, \.1] {
      pair[keyPath: keyPath].inputs.insert(pair[keyPath: keyPath].addValue("unread"), at: position)
    }
    let z = builder.input("z", [2])
    let captured = position == 0 ? (z, x) : (x, z)
    builder.output(
      conditional(&builder, c, then: pair.0, otherwise: pair.1, captured.0, captured.1))
    let graph = try builder.after(.deadCode).graph
    #expect(graph.nodes[0].inputs == [c, x])
    #expect(graph.inputs.count == 3)
    let (then, otherwise) = try branches(graph.nodes.first)
    for branch in [then, otherwise] { #expect(branch.inputs.map { branch[$0].name } == ["x"]) }
  }

  @Test func resultsThatNobodyReadsAreNotMade() throws {
    var builder = GraphBuilder()
    let (c, x) = (builder.input("c", [Int](), .bool), builder.input("x", [1, 3, 5, 5]))
    var pair = (try branch("a", factor: 2), try branch("b", factor: 3))
    for keyPath in [\(Graph, Graph).0, \.1] {
      let branch = pair[keyPath: keyPath]
      pair[keyPath: keyPath].outputs = [branch.outputs[0], try #require(branch.nodes[0].outputs[0])]
    }
    builder.output(conditional(&builder, c, then: pair.0, otherwise: pair.1, x))
    builder.graph.nodes[0].outputs.append(builder.graph.addValue("unread"))
    let graph = try builder.after(.deadCode).graph
    let (then, otherwise) = try branches(graph.nodes.first)
    #expect(then.outputs.count == 1 && otherwise.outputs.count == 1)
  }
}

extension ConditionalTests {
  /// A branch that is a conditional of the two, which capture its x.
  func nested(_ pair: (Graph, Graph)) throws -> Graph {
    var builder = GraphBuilder()
    builder.graph.name = "outer"
    let (x, c) = (builder.input("x", [1, 3, 5, 5]), builder.input("c", [Int](), .bool))
    builder.output(conditional(&builder, c, then: pair.0, otherwise: pair.1, x))
    return builder.graph
  }

  @Test func weightsOfBranchesInBranchesComeAllTheWayOut() throws {
    var builder = GraphBuilder()
    let (c, x) = (builder.input("c", [Int](), .bool), builder.input("x", [1, 3, 5, 5]))
    let inner = try nested((try branch("a", factor: 2), try branch("b", factor: 3)))
    var other = try branch("d", factor: 5)
    other.inputs.append(other.addValue("condition", type: ValueType(.bool, [])))
    builder.output(conditional(&builder, c, then: inner, otherwise: other, x, c))
    var graph = try builder.typed()
    _ = try PassPipeline.optimise(&graph, evaluator: nil, verifying: true)
    func largest(_ graph: Graph) -> Int {
      graph.nodes.reduce(graph.constants.values.map { $0.tensor?.byteCount ?? 0 }.max() ?? 0) { bytes, node in
        guard let conditional = node.op.as(Conditional.self) else { return bytes }
        return max(bytes, largest(conditional.then), largest(conditional.otherwise))
      }
    }
    let (then, otherwise) = try branches(graph.nodes.first)
    #expect(largest(then) <= 64 && largest(otherwise) <= 64)
    // Three weights of 96 bytes, each with its scale folded in.
    #expect(graph.constants.values.compactMap { $0.tensor?.floats?.first }.sorted() == [4, 9, 25])
  }

  @Test func aConstantThatABranchGivesBackStays() throws {
    var builder = GraphBuilder()
    let (c, x) = (builder.input("c", [Int](), .bool), builder.input("x", [1, 8, 5, 5]))
    var given = GraphBuilder()
    given.graph.name = "given"
    _ = given.input("x", [1, 8, 5, 5])
    given.output(try given.ramp("k", [1, 8, 5, 5]))
    var same = GraphBuilder()
    same.graph.name = "same"
    same.output(same.input("x", [1, 8, 5, 5]))
    builder.output(conditional(&builder, c, then: given.graph, otherwise: same.graph, x))
    let (graph, changes) = try builder.after(.hoistBranchConstants)
    #expect(changes == 1)
    let (then, _) = try branches(graph.nodes.first)
    #expect(then.constants.isEmpty && then.outputs == [then.inputs[1]])
    #expect(try PassPipeline.optimise(&builder.graph, evaluator: nil, verifying: true).nodesAfter == 1)
  }
}
