import GraphPasses
import ModelGraph
import Tensors
import Testing

/// When a matrix multiplication reads its operands transposed, and when not.
struct TransposeAbsorptionTests {
  /// a × b, each transposed by a node before, where `multiply` may transpose them, too.
  private func product(
    _ multiply: MatrixMultiply, a: [Int], _ first: [Int]?, b: [Int], _ second: [Int]?
  ) throws -> GraphBuilder {
    var builder = GraphBuilder()
    var (left, right) = (builder.input("a", a), builder.input("b", b))
    if let first { left = builder.node("at", .transpose(permutation: first), left) }
    if let second { right = builder.node("bt", .transpose(permutation: second), right) }
    builder.output(builder.node("y", .matrixMultiply(multiply), left, right))
    return builder
  }

  /// a [3, 4] and b [4, 5], each as it lies, transposed by a node, by the product, or by both.
  @Test(arguments: [false, true], [false, true])
  func aTransposeThatIsAbsorbedByAProductThatTransposesCancelsIt(byNode: Bool, byProduct: Bool) throws {
    let isTransposed = byNode != byProduct
    let builder = try product(
      MatrixMultiply(transposeA: byProduct, transposeB: byProduct),
      a: isTransposed ? [4, 3] : [3, 4], byNode ? [1, 0] : nil,
      b: isTransposed ? [5, 4] : [4, 5], byNode ? [1, 0] : nil)
    let (graph, changes) = try builder.after(.transposeSimplification)
    #expect(
      graph.nodes.map(\.op) == [
        .matrixMultiply(MatrixMultiply(transposeA: isTransposed, transposeB: isTransposed))
      ])
    #expect(graph.operandNames(of: "y") == ["a", "b"])
    #expect(graph[graph.outputs[0]].type?.shape == [3, 5])
    #expect(changes == (byNode ? 1 : 0))
  }

  @Test func eachOperandIsTransposedByItself() throws {
    let left = try product(MatrixMultiply(), a: [4, 3], [1, 0], b: [4, 5], nil)
    #expect(
      try left.after(.transposeSimplification).graph.nodes.map(\.op)
        == [.matrixMultiply(MatrixMultiply(transposeA: true))])
    let right = try product(MatrixMultiply(), a: [3, 4], nil, b: [5, 4], [1, 0])
    #expect(
      try right.after(.transposeSimplification).graph.nodes.map(\.op)
        == [.matrixMultiply(MatrixMultiply(transposeB: true))])
  }

  /// Two transposes that together exchange the last two axes, and two that together do nothing.
  @Test func twoInARowAreAbsorbedAsOne() throws {
    for (second, isTransposed) in [([1, 0, 2], false), ([1, 2, 0], true)] {
      var builder = GraphBuilder()
      let a = builder.input("a", isTransposed ? [2, 4, 3] : [2, 3, 4])
      let once = builder.node("once", .transpose(permutation: [1, 0, 2]), a)
      let twice = builder.node("twice", .transpose(permutation: second), once)
      builder.output(
        builder.node("y", .matrixMultiply(MatrixMultiply()), twice, builder.input("b", [2, 4, 5])))
      let graph = try builder.after(.transposeSimplification).graph
      #expect(graph.nodes.map(\.op) == [.matrixMultiply(MatrixMultiply(transposeA: isTransposed))])
      #expect(graph.operandNames(of: "y") == ["a", "b"])
    }
  }

  @Test func aProductOfAValueWithItsOwnTransposeReadsItTwice() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", [3, 4])
    let transposed = builder.node("t", .transpose(permutation: [1, 0]), x)
    builder.output(builder.node("y", .matrixMultiply(MatrixMultiply()), x, transposed))
    let graph = try builder.after(.transposeSimplification).graph
    #expect(graph.nodes.map(\.op) == [.matrixMultiply(MatrixMultiply(transposeB: true))])
    #expect(graph.operandNames(of: "y") == ["x", "x"])
  }

  @Test func aTransposeThatOthersReadIsAbsorbedAndStays() throws {
    var builder = GraphBuilder()
    let transposed = builder.node("t", .transpose(permutation: [1, 0]), builder.input("a", [4, 3]))
    builder.output(
      builder.node("y", .matrixMultiply(MatrixMultiply()), transposed, builder.input("b", [4, 5])),
      builder.node("z", .unary(.relu), transposed))
    let graph = try builder.after(.transposeSimplification).graph
    #expect(graph.ops == ["transpose", "matmul", "unary.relu"])
    #expect(graph.operandNames(of: "y") == ["a", "b"])
    #expect(graph.operandNames(of: "z") == ["t"])
  }

  /// The bias of a product is no operand that it transposes.
  @Test func aBiasIsReadAsItLies() throws {
    var builder = GraphBuilder()
    let bias = builder.node("bias", .transpose(permutation: [1, 0]), builder.input("c", [5, 3]))
    builder.output(
      builder.node(
        "y", .matrixMultiply(MatrixMultiply()), builder.input("a", [3, 4]), builder.input("b", [4, 5]), bias))
    #expect(try builder.after(.transposeSimplification).changes == 0)
  }

  @Test(arguments: [[2, 1, 0], [1, 0, 2], [1, 2, 0]])
  func otherPermutationsStay(permutation: [Int]) throws {
    let dims = [0, 1, 2].map { axis in [3, 3, 3][axis] }
    #expect(
      try product(MatrixMultiply(), a: dims, permutation, b: [3, 3, 5], nil)
        .after(.transposeSimplification).changes == 0)
  }
}
