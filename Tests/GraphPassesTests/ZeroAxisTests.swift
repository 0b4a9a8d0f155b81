import GraphPasses
import ModelGraph
import Tensors
import Testing

/// Axes of no elements: from them nothing follows about the others, and a 0 in a reshape's target may mean "copy".
struct ZeroAxisTests {
  /// Returns true if a pass leaves relu → reshape → relu as it is.
  private func stays(
    _ dims: [Dimension], to target: [Int64], allowZero: Bool, under pass: Pass
  ) throws -> Bool {
    var builder = GraphBuilder()
    let x = builder.node("x'", .unary(.absolute), builder.input("x", dims))
    let reshaped = builder.node(
      "reshaped", .reshape(allowZero: allowZero), x, try builder.integers("target", target))
    builder.output(builder.node("y", .unary(.absolute), reshaped))
    let (graph, changes) = try builder.after(pass)
    #expect((changes == 0) == (graph.ops == ["unary.absolute", "reshape", "unary.absolute"]))
    return changes == 0
  }

  @Test func aReshapeToTheSameShapeWithAnAxisOfZeroGoes() throws {
    #expect(try !stays([.known(0), .known(3)], to: [0, 3], allowZero: true, under: .noOpRemoval))
    #expect(try !stays([.known(0), .symbol("n")], to: [0, 0], allowZero: false, under: .noOpRemoval))
  }

  /// [0, ?] has as many elements as [0, 5] whatever the open size is.
  @Test func anOpenAxisBesideOneOfZeroDoesNotFollow() throws {
    #expect(try stays([.known(0), .unknown], to: [0, 5], allowZero: true, under: .noOpRemoval))
    #expect(try stays([.known(0), .symbol("n")], to: [0, 5], allowZero: true, under: .noOpRemoval))
    // Without the zero it follows.
    #expect(try !stays([.known(2), .symbol("n")], to: [2, -1], allowZero: true, under: .noOpRemoval))
  }

  @Test func twoKnownSizesOfWhichOneIsZeroAreNotTheSame() throws {
    #expect(try stays([.known(0), .known(3)], to: [0, 5], allowZero: true, under: .noOpRemoval))
    #expect(try stays([.known(3), .known(0)], to: [0, 3], allowZero: true, under: .noOpRemoval))
  }

  @Test func squeezesAndFlatteningsOfNothingStay() throws {
    for op in [Op.squeeze, .flatten(axis: 1)] {
      var builder = GraphBuilder()
      let x = builder.input("x", [2, 1, 0])
      let axes: ValueID? = op == .squeeze ? try builder.integers("axes", [1]) : nil
      builder.output(axes.map { builder.node("y", op, x, $0) } ?? builder.node("y", op, x))
      #expect(try builder.after(.reshapeSimplification).changes == 0, "\(op)")
    }
  }

  /// A 0 that means zero elements is read past a reshape as it is; one that copies an axis cannot be.
  @Test func reshapesInARow() throws {
    func chain(allowZero: Bool, dims: [Int], first: [Int64], second: [Int64]) throws -> (Graph, Int) {
      var builder = GraphBuilder()
      let between = builder.node(
        "between", .reshape(allowZero: true), builder.input("x", dims), try builder.integers("first", first))
      builder.output(
        builder.node("y", .reshape(allowZero: allowZero), between, try builder.integers("second", second)))
      return try builder.after(.reshapeSimplification)
    }
    let (graph, changes) = try chain(allowZero: true, dims: [0, 6], first: [0, 2, 3], second: [3, 0])
    #expect(changes > 0 && graph.ops == ["reshape"])
    #expect(graph.operandNames(of: "y") == ["x", "second"])
    #expect(graph.nodes[0].op == .reshape(allowZero: true))
    // The copied axis is of no elements: there is no target that says so without copying.
    let copied = try chain(allowZero: false, dims: [6, 0], first: [0, 4], second: [0, 9])
    #expect(copied.1 == 0)
    #expect(copied.0.ops == ["reshape", "reshape"])
  }

  @Test func aTransposeOfNothingStaysATranspose() throws {
    // Axes of one may move for free, but not as a reshape to a size of 0.
    var builder = GraphBuilder()
    builder.output(
      builder.node("y", .transpose(permutation: [1, 0, 2]), builder.input("x", [0, 1, 3])))
    #expect(try builder.after(.transposeSimplification).changes == 0)
  }

  @Test func aConvolutionOfZeroChannelsIsNotFoldedInto() throws {
    var builder = GraphBuilder()
    let convolved = try builder.convolution("c", builder.input("x", [1, 3, 5]), weights: [0, 3, 1])
    let empty = try builder.constant("empty", [], [0])
    builder.output(
      builder.node("bn", .batchNormalization(epsilon: 1e-5), convolved, empty, empty, empty, empty))
    #expect(try builder.after(.batchNormalizationFolding).changes == 0)

    builder = GraphBuilder()
    let other = try builder.convolution("c", builder.input("x", [1, 3, 5]), weights: [0, 3, 1])
    builder.output(builder.node("y", .binary(.multiply), other, try builder.constant("half", [0.5])))
    #expect(try builder.after(.affineFolding).changes == 0)
  }

  @Test func aScaleOfWeightsOfNoElementsStays() throws {
    var builder = GraphBuilder()
    let product = builder.node(
      "m", .matrixMultiply(MatrixMultiply()), builder.input("a", [2, 0]),
      try builder.constant("b", [], [0, 4]))
    builder.output(builder.node("y", .binary(.multiply), product, try builder.ramp("c", [4])))
    #expect(try builder.after(.affineFolding).changes == 0)
  }

  /// A constant of no elements is neutral to nothing: what is added to it is empty.
  @Test func anEmptyConstantIsNotNeutral() throws {
    var builder = GraphBuilder()
    let x = builder.node("x'", .unary(.absolute), builder.input("x", [2, 1]))
    let sum = builder.node("sum", .binary(.add), x, try builder.constant("empty", [], [0]))
    builder.output(builder.node("y", .unary(.absolute), sum))
    let (graph, changes) = try builder.after(.noOpRemoval)
    #expect(changes == 0)
    #expect(graph[graph.outputs[0]].type?.shape == [2, 0])
  }
}
