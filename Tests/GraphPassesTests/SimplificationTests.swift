import GraphPasses
import ModelGraph
import Tensors
import Testing

struct NoOpRemovalTests {
  /// Builds relu → the node under test → relu, and says whether the pass took it out.
  func isRemoved(
    _ dims: [Dimension] = [.known(2), .known(3)], type: ElementType = .float32,
    _ build: (inout GraphBuilder, ValueID) throws -> ValueID
  ) throws -> Bool {
    var builder = GraphBuilder()
    let first = builder.node("first", .unary(.absolute), builder.input("x", dims, type))
    builder.output(builder.node("last", .unary(.absolute), try build(&builder, first)))
    let (graph, changes) = try builder.after(.noOpRemoval)
    let isGone = graph.ops == ["unary.absolute", "unary.absolute"]
    #expect((changes > 0) == isGone)
    return isGone
  }

  @Test func nodesThatDoNothing() throws {
    #expect(try isRemoved { $0.node("n", .identity, $1) })
    #expect(try isRemoved { $0.node("n", .concat(axis: 0), $1) })
    #expect(try isRemoved { $0.node("n", .split(axis: 0), $1) })
    #expect(try isRemoved { $0.node("n", .cast(.float32), $1) })
    #expect(try isRemoved { $0.node("n", .transpose(permutation: [0, 1]), $1) })
    #expect(try isRemoved { $0.node("n", .unary(.clip(minimum: -.infinity, maximum: .infinity)), $1) })
    #expect(try isRemoved { $0.node("n", .pad(.constant), $1, try $0.integers("p", [0, 0, 0, 0])) })
    #expect(try isRemoved { $0.node("n", .tile, $1, try $0.integers("r", [1, 1])) })
    #expect(try isRemoved { $0.node("n", .expand, $1, try $0.integers("s", [2, 3])) })
    #expect(try isRemoved { $0.node("n", .expand, $1, try $0.integers("s", [1])) })
    #expect(try isRemoved { $0.node("n", .reshape(allowZero: false), $1, try $0.integers("s", [0, -1])) })
    #expect(try isRemoved { $0.node("n", .flatten(axis: 1), $1) })
    #expect(try isRemoved { $0.node("n", .binary(.add), $1, try $0.constant("c", [0], [1])) })
    #expect(try isRemoved { $0.node("n", .binary(.add), try $0.constant("c", [0, 0, 0], [3]), $1) })
    #expect(try isRemoved { $0.node("n", .binary(.multiply), try $0.constant("c", [1]), $1) })
    #expect(try isRemoved { $0.node("n", .binary(.divide), $1, try $0.constant("c", [1])) })
    #expect(try isRemoved { $0.node("n", .binary(.power), $1, try $0.constant("c", [1])) })
  }

  @Test func nodesThatDoSomething() throws {
    #expect(try !isRemoved { $0.node("n", .cast(.float64), $1) })
    #expect(try !isRemoved { $0.node("n", .transpose(permutation: [1, 0]), $1) })
    #expect(try !isRemoved { $0.node("n", .transpose(permutation: []), $1) })
    #expect(try !isRemoved { $0.node("n", .unary(.clip(minimum: 0, maximum: .infinity)), $1) })
    #expect(try !isRemoved { $0.node("n", .pad(.constant), $1, try $0.integers("p", [0, 0, 0, 1])) })
    #expect(try !isRemoved { $0.node("n", .tile, $1, try $0.integers("r", [1, 2])) })
    #expect(try !isRemoved { $0.node("n", .expand, $1, try $0.integers("s", [4, 2, 3])) })
    #expect(try !isRemoved { $0.node("n", .reshape(allowZero: false), $1, try $0.integers("s", [3, 2])) })
    // A constant that makes the result larger, though it is neutral.
    #expect(try !isRemoved { $0.node("n", .binary(.add), $1, try $0.constant("c", [0], [1, 1, 1])) })
    #expect(
      try !isRemoved { $0.node("n", .binary(.multiply), $1, try $0.constant("c", [1, 1], [2, 1, 1])) })
    #expect(try !isRemoved { $0.node("n", .binary(.subtract), try $0.constant("c", [0]), $1) })
    #expect(try !isRemoved { $0.node("n", .binary(.divide), try $0.constant("c", [1]), $1) })
    #expect(try !isRemoved { $0.node("n", .binary(.multiply), $1, try $0.constant("c", [1, 1, 0], [3])) })
  }

  @Test func slices() throws {
    func slice(
      _ starts: [Int64], _ ends: [Int64], _ axes: [Int64]? = nil, _ steps: [Int64]? = nil,
      of dims: [Dimension] = [.known(2), .known(3)]
    ) throws -> Bool {
      try isRemoved(dims) { builder, x in
        builder.node(
          "n", .slice, x, try builder.integers("starts", starts), try builder.integers("ends", ends),
          try axes.map { try builder.integers("axes", $0) },
          try steps.map { try builder.integers("steps", $0) })
      }
    }
    #expect(try slice([0, 0], [2, 3]))
    #expect(try slice([0], [3], [-1]))
    #expect(try slice([0], [Int64.max], [1], [1]))
    #expect(try slice([0], [Int64(Int32.max)], [0], of: [.unknown, .known(3)]))
    #expect(try !slice([0], [2], [1]))
    #expect(try !slice([1], [3], [1]))
    #expect(try !slice([0], [3], [1], [2]))
    #expect(try !slice([0], [3], [0], of: [.unknown, .known(3)]))
    #expect(try !slice([0], [-1], [1]))
  }

  @Test func symbolsAreTheSameSize() throws {
    let dims: [Dimension] = [.symbol("batch"), .known(3)]
    #expect(
      try isRemoved(dims) { $0.node("n", .reshape(allowZero: false), $1, try $0.integers("s", [-1, 3])) })
    #expect(
      try !isRemoved([.unknown, .unknown]) {
        $0.node("n", .reshape(allowZero: false), $1, try $0.integers("s", [2, -1]))
      })
  }

  @Test func anOutputKeepsItsNameAndItsMaker() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", [2, 3])
    let made = builder.node("made", .unary(.absolute), x)
    builder.output(builder.node("same", .identity, made), builder.node("other", .unary(.negate), made))
    let graph = try builder.after(.noOpRemoval).graph
    #expect(graph.ops == ["unary.absolute", "unary.negate"])
    #expect(graph.outputs.map { graph[$0].name } == ["same", "other"])
    #expect(graph.operandNames(of: "other") == ["same"])
  }

  @Test func outputsThatAreInputsOrOutputsStayTwo() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", [2, 3])
    builder.output(builder.node("y", .identity, x))
    #expect(try builder.after(.noOpRemoval).changes == 0)

    builder = GraphBuilder()
    let made = builder.node("made", .unary(.absolute), builder.input("x", [2, 3]))
    builder.output(made, builder.node("same", .identity, made))
    let graph = try builder.after(.noOpRemoval).graph
    #expect(graph.outputs.map { graph[$0].name } == ["made", "same"])
  }
}

struct CommonSubexpressionTests {
  @Test func equalNodesAreOne() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", [2, 3])
    let a = builder.node("a", .unary(.relu), x)
    let b = builder.node("b", .unary(.relu), x)
    let c = builder.node("c", .binary(.add), a, try builder.constant("one", [1]))
    let d = builder.node("d", .binary(.add), b, try builder.constant("uno", [1]))
    builder.output(builder.node("y", .binary(.multiply), c, d))
    let graph = try builder.after(.commonSubexpressions).graph
    #expect(graph.ops == ["unary.relu", "binary.add", "binary.multiply"])
    #expect(graph.operandNames(of: "y") == ["c", "c"])
  }

  @Test func nodesThatDifferStay() throws {
    var builder = GraphBuilder()
    let (x, z) = (builder.input("x", [2, 3]), builder.input("z", [2, 3]))
    builder.output(
      builder.node("a", .unary(.leakyRelu(slope: 0.1)), x),
      builder.node("b", .unary(.leakyRelu(slope: 0.2)), x),
      builder.node("c", .binary(.subtract), x, z), builder.node("d", .binary(.subtract), z, x))
    #expect(try builder.after(.commonSubexpressions).changes == 0)
  }

  @Test func outputsKeepTheirMakers() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", [2, 3])
    builder.output(builder.node("a", .unary(.relu), x), builder.node("b", .unary(.relu), x))
    #expect(try builder.after(.commonSubexpressions).changes == 0)
  }

  @Test func constantsOfOtherTypesStay() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", [2])
    let flat = try builder.constant("flat", [1, 1], [2])
    let tall = try builder.constant("tall", [1, 1], [2, 1])
    builder.output(builder.node("a", .binary(.add), x, flat), builder.node("b", .binary(.add), x, tall))
    #expect(try builder.after(.commonSubexpressions).changes == 0)
  }
}

struct ReshapeTests {
  @Test func axesOfOneAreReshapes() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", [.symbol("batch"), .known(1), .known(3)])
    let squeezed = builder.node("squeezed", .squeeze, x, try builder.integers("one", [1]))
    builder.output(builder.node("y", .unsqueeze, squeezed, try builder.integers("zero", [0])))
    let graph = try builder.after(.reshapeSimplification).graph
    #expect(graph.ops == ["reshape"])
    #expect(graph.operandNames(of: "y").first == "x")
    #expect(graph.tensor(graph.nodes[0].inputs[1])?.integers == [1, -1, 3])
  }

  @Test func aCopiedAxisIsThatOfTheReshapeInBetween() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", [6, 4])
    let first = builder.node("first", .reshape(allowZero: false), x, try builder.integers("a", [2, 12]))
    builder.output(
      builder.node("y", .reshape(allowZero: false), first, try builder.integers("b", [0, 3, 4])))
    let graph = try builder.after(.reshapeSimplification).graph
    #expect(graph.ops == ["reshape"])
    #expect(graph.tensor(graph.nodes[0].inputs[1])?.integers == [2, 3, 4])
  }

  @Test func shapesOfTwoUnknownAxesStay() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", [.unknown, .unknown, .known(3)])
    builder.output(builder.node("y", .unsqueeze, x, try builder.integers("axes", [0])))
    #expect(try builder.after(.reshapeSimplification).changes == 0)
  }

  @Test func emptyTensorsStay() throws {
    // A size of 0 in the target would mean "copy".
    var builder = GraphBuilder()
    builder.output(
      builder.node("y", .unsqueeze, builder.input("x", [0, 3]), try builder.integers("axes", [0])))
    #expect(try builder.after(.reshapeSimplification).changes == 0)
  }

  @Test func aReshapeThatOthersReadStays() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", [6, 4])
    let first = builder.node("first", .reshape(allowZero: false), x, try builder.integers("a", [2, 12]))
    builder.output(
      builder.node("y", .reshape(allowZero: false), first, try builder.integers("b", [3, 8])),
      builder.node("z", .unary(.relu), first))
    let graph = try builder.after(.reshapeSimplification).graph
    #expect(graph.ops == ["reshape", "reshape", "unary.relu"])
    #expect(graph.operandNames(of: "y").first == "x")
  }

  /// matmul → reshape → gelu: the function moves to where it can be fused.
  @Test func functionsMoveBeforeAReshape() throws {
    var builder = GraphBuilder()
    let convolved = try builder.convolution(
      "c", builder.input("x", [.symbol("batch"), .known(3), .known(5), .known(1)]), weights: [4, 3, 1, 1])
    let flat = builder.node("flat", .squeeze, convolved, try builder.integers("axes", [3]))
    let biased = builder.node("biased", .binary(.add), flat, try builder.ramp("bias", [1, 4, 1]))
    builder.output(builder.node("y", .unary(.relu), biased))
    var graph = try builder.typed()
    _ = try PassPipeline.optimise(&graph, evaluator: nil, verifying: true)
    #expect(graph.ops == ["conv", "reshape"])
    #expect(graph.nodes[0].postOps == [.unary(.relu)])
    #expect(graph.tensor(graph.nodes[0].inputs[2])?.floats == [0.1, 0.2, 0.3, 0.4])
  }

  @Test func constantsAlongOtherAxesDoNotMove() throws {
    for dims in [[1, 1, 5], [1, 4, 5]] {
      var builder = GraphBuilder()
      let convolved = try builder.convolution("c", builder.input("x", [1, 3, 5, 1]), weights: [4, 3, 1, 1])
      let flat = builder.node(
        "flat", .reshape(allowZero: false), convolved, try builder.integers("s", [1, 4, 5]))
      builder.output(builder.node("y", .binary(.add), flat, try builder.ramp("bias", dims)))
      #expect(try builder.after(.reshapeSinking).changes == 0)
    }
    // A reshape that mixes channels.
    var builder = GraphBuilder()
    let convolved = try builder.convolution("c", builder.input("x", [1, 3, 4, 1]), weights: [4, 3, 1, 1])
    let mixed = builder.node(
      "mixed", .reshape(allowZero: false), convolved, try builder.integers("s", [2, 4, 2]))
    builder.output(builder.node("y", .binary(.add), mixed, try builder.ramp("bias", [1, 4, 1])))
    #expect(try builder.after(.reshapeSinking).changes == 0)
  }
}

struct TransposeTests {
  @Test func transposesThatCancelGoAway() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", [2, 3, 4])
    let there = builder.node("there", .transpose(permutation: [1, 2, 0]), x)
    let back = builder.node("back", .transpose(permutation: [2, 0, 1]), there)
    builder.output(builder.node("y", .unary(.relu), back))
    let graph = try builder.after(.transposeSimplification).graph
    #expect(graph.ops == ["unary.relu"])
    #expect(graph.operandNames(of: "y") == ["x"])
  }

  @Test func transposesCompose() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", [2, 3, 4])
    let first = builder.node("first", .transpose(permutation: [1, 2, 0]), x)  // [3, 4, 2]
    builder.output(builder.node("y", .transpose(permutation: [1, 0, 2]), first))  // [4, 3, 2]
    let graph = try builder.after(.transposeSimplification).graph
    #expect(graph.nodes.map(\.op) == [.transpose(permutation: [2, 1, 0])])
    #expect(graph[graph.outputs[0]].type?.shape == [4, 3, 2])
  }

  @Test func aReversalIsSpelledOut() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", [2, 3, 4])
    let first = builder.node("first", .transpose(permutation: []), x)
    builder.output(builder.node("y", .transpose(permutation: [1, 0, 2]), first))
    let graph = try builder.after(.transposeSimplification).graph
    #expect(graph.nodes.map(\.op) == [.transpose(permutation: [1, 2, 0])])
  }

  @Test func axesOfOneMoveForFree() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", [.known(2), .known(1), .known(3), .known(1)])
    builder.output(
      builder.node("y", .transpose(permutation: [1, 0, 3, 2]), x),
      builder.node("z", .transpose(permutation: [2, 0, 1, 3]), x))
    #expect(try builder.after(.transposeSimplification).graph.ops == ["reshape", "transpose"])
  }

  @Test func productsReadTransposed() throws {
    var builder = GraphBuilder()
    let (a, b) = (builder.input("a", [2, 4, 3]), builder.input("b", [2, 5, 4]))
    let at = builder.node("at", .transpose(permutation: [0, 2, 1]), a)
    let bt = builder.node("bt", .transpose(permutation: [0, 2, 1]), b)
    builder.output(builder.node("y", .matrixMultiply(MatrixMultiply()), at, bt))
    let graph = try builder.after(.transposeSimplification).graph
    #expect(graph.nodes.map(\.op) == [.matrixMultiply(MatrixMultiply(transposeA: true, transposeB: true))])
    #expect(graph.operandNames(of: "y") == ["a", "b"])

    builder = GraphBuilder()
    let c = builder.input("c", [4, 2, 3])
    let ct = builder.node("ct", .transpose(permutation: [1, 0, 2]), c)
    builder.output(builder.node("y", .matrixMultiply(MatrixMultiply()), ct, builder.input("d", [2, 3, 5])))
    #expect(try builder.after(.transposeSimplification).changes == 0)
  }
}

struct SoftmaxAndGateTests {
  func softmax(axis: Int, flattenedAt cut: Int, dims: [Dimension]) throws -> GraphBuilder {
    var builder = GraphBuilder()
    let x = builder.node("x'", .unary(.absolute), builder.input("x", dims))
    let flat = builder.node("flat", .flatten(axis: cut), x)
    let normal = builder.node("normal", .softmax(axis: axis), flat)
    builder.output(
      builder.node("y", .reshape(allowZero: false), normal, builder.node("s", .shape(start: 0, end: nil), x)))
    return builder
  }

  @Test func softmaxOfTheLastAxisNeedsNoDetour() throws {
    let graph = try softmax(axis: 1, flattenedAt: 2, dims: [.unknown, .unknown, .unknown])
      .after(.softmaxSimplification).graph
    #expect(graph.ops == ["unary.absolute", "softmax"])
    #expect(graph.nodes[1].op == .softmax(axis: 2))
  }

  @Test func softmaxOfSeveralAxesKeepsIt() throws {
    let dims: [Dimension] = [.known(2), .known(3), .known(4)]
    #expect(try softmax(axis: 1, flattenedAt: 1, dims: dims).after(.softmaxSimplification).changes == 0)
    #expect(try softmax(axis: 0, flattenedAt: 2, dims: dims).after(.softmaxSimplification).changes == 0)
  }

  func gated(_ dims: [Int], first: Bool = true, showsProduct: Bool = false) throws -> GraphBuilder {
    var builder = GraphBuilder()
    let x = builder.input("x", [1, 4, 5, 5])
    let gate = builder.input("gate", dims)
    let product = builder.node("p", .binary(.multiply), first ? gate : x, first ? x : gate)
    builder.output(builder.node("y", .binary(.add), first ? x : product, first ? product : x))
    if showsProduct { builder.output(product) }
    return builder
  }

  @Test func aGateTakesTheShortcut() throws {
    for first in [true, false] {
      let graph = try gated([1, 4, 1, 1], first: first).after(.gateSimplification).graph
      #expect(graph.ops == ["binary.add", "binary.multiply"])
      #expect(graph.operandNames(of: "y") == ["x", "y.gate"])
      #expect(graph.operandNames(of: "y.gate").first == "gate")
    }
    #expect(try gated([1, 4, 5, 5]).after(.gateSimplification).changes == 0)
    #expect(try gated([1, 4, 1, 1], showsProduct: true).after(.gateSimplification).changes == 0)
    #expect(try gated([2, 4, 1, 1]).after(.gateSimplification).changes == 0)
  }
}
