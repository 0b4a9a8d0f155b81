import GraphPasses
import ModelGraph
import Tensors
import Testing

@Suite("Whether axis 0 is a batch axis")
struct BatchAxisTests {
  static let rows = Dimension.symbol("N")

  /// Tests whether a graph of one input `[N, 4]`, or of `dims`, has a batch axis.
  private func check(
    _ dims: [Dimension] = [rows, .known(4)], _ build: (inout GraphBuilder, ValueID) throws -> ValueID
  ) throws -> Bool {
    var builder = GraphBuilder()
    let x = builder.input("x", dims)
    builder.output(try build(&builder, x))
    return try builder.typed().hasBatchAxis
  }

  @Test("products, element-wise functions and functions along inner axes keep rows apart")
  func inner() throws {
    #expect(
      try check { builder, x in
        let product = builder.node(
          "product", .matrixMultiply(MatrixMultiply()), x, try builder.ramp("w", [4, 4]),
          try builder.ramp("b", [4]))
        let sum = builder.node("sum", .binary(.add), product, x)
        return builder.node("softmax", .softmax(axis: -1), builder.node("relu", .unary(.relu), sum))
      })
    #expect(
      try check { builder, x in
        builder.node(
          "mean", .reduce(.mean, keepDimensions: false, noopWithEmptyAxes: false), x,
          try builder.integers("axes", [-1]))
      })
  }

  @Test("images: convolution, pooling, flattening, and a shape that is computed")
  func images() throws {
    let dims: [Dimension] = [Self.rows, .known(3), .known(8), .known(8)]
    #expect(
      try check(dims) { builder, x in
        let y = try builder.convolution("conv", x, weights: [4, 3, 3, 3])
        let pool = Pool(
          kind: .average, window: nil, strides: [1, 1], dilations: [1, 1], padding: .explicit([0, 0, 0, 0]))
        return builder.node("flat", .flatten(axis: 1), builder.node("pool", .pool(pool), y))
      })
    #expect(
      try check(dims) { builder, x in
        let shape = builder.node("shape", .shape(start: 0, end: 1), x)
        let target = builder.node("target", .concat(axis: 0), shape, try builder.integers("rest", [-1]))
        return builder.node("reshape", .reshape(allowZero: false), x, target)
      })
  }

  @Test("what crosses rows is no batch")
  func crossing() throws {
    #expect(
      try !check { builder, x in
        builder.node(
          "mean", .reduce(.mean, keepDimensions: true, noopWithEmptyAxes: false), x,
          try builder.integers("axes", [0]))
      })
    #expect(
      try !check { builder, x in
        let mean = builder.node(
          "mean", .reduce(.mean, keepDimensions: true, noopWithEmptyAxes: false), x,
          try builder.integers("axes", [0]))
        return builder.node("centred", .binary(.subtract), x, mean)
      })
    #expect(try !check { builder, x in builder.node("softmax", .softmax(axis: 0), x) })
    #expect(
      try !check { builder, x in
        builder.node(
          "sum", .cumulativeSum(exclusive: false, reverse: false), x, try builder.integers("axis", [0]))
      })
    #expect(
      try !check { builder, x in
        let gram = builder.node("gram", .matrixMultiply(MatrixMultiply(transposeB: true)), x, x)
        return builder.node("back", .matrixMultiply(MatrixMultiply()), gram, x)
      })
  }

  @Test("rows that change their places are no batch, though their number stays")
  func moving() throws {
    #expect(
      try !check { builder, x in
        builder.node("pad", .pad(.constant), x, try builder.integers("pads", [1, 0, -1, 0]))
      })
    #expect(
      try !check { builder, x in
        builder.node(
          "reversed", .slice, x, try builder.integers("starts", [-1]),
          try builder.integers("ends", [Int64.min]),
          try builder.integers("axes", [0]), try builder.integers("steps", [-1]))
      })
    #expect(
      try !check { builder, x in
        let turned = builder.node("turned", .transpose(permutation: [1, 0]), x)
        return builder.node(
          "reshape", .reshape(allowZero: false), turned, try builder.integers("target", [-1, 4]))
      })
  }

  @Test("a result that depends on how many rows there are is no batch")
  func counting() throws {
    #expect(
      try !check { builder, x in
        let count = builder.node("count", .cast(.float32), builder.node("shape", .shape(start: 0, end: 1), x))
        return builder.node("share", .binary(.divide), x, count)
      })
  }

  @Test("the first size of every input and output is open, under one name that stands nowhere else")
  func sizes() throws {
    #expect(try !check([.known(1), .known(4)]) { builder, x in builder.node("relu", .unary(.relu), x) })
    #expect(try !check([.unknown, .known(4)]) { builder, x in builder.node("relu", .unary(.relu), x) })
    #expect(try !check([Self.rows, Self.rows]) { builder, x in builder.node("relu", .unary(.relu), x) })
    #expect(try !check { builder, _ in try builder.ramp("constant", [4]) })
    var builder = GraphBuilder()
    let x = builder.input("x", [Self.rows, .known(4)])
    let y = builder.input("y", [.symbol("M"), .known(4)])
    builder.output(builder.node("a", .unary(.relu), x), builder.node("b", .unary(.relu), y))
    #expect(try !builder.typed().hasBatchAxis)
  }

  @Test("an operand with a row for each row of one batch size is no batch")
  func fixedRows() throws {
    #expect(
      try !check { builder, x in builder.node("sum", .binary(.add), x, try builder.ramp("b", [3, 4])) })
    #expect(try check { builder, x in builder.node("sum", .binary(.add), x, try builder.ramp("b", [1, 4])) })
  }

  // x [N, S, 4], y [N, T, 4]: x takes the shape of y, if S is T.
  @Test("rows are kept by a reshape to the same inner sizes, not by one to sizes of another name")
  func reshapedRows() throws {
    for (inner, isBatch) in [("S", true), ("T", false)] {
      var builder = GraphBuilder()
      let x = builder.input("x", [Self.rows, .symbol("S"), .known(4)])
      let y = builder.input("y", [Self.rows, .symbol(inner), .known(4)])
      let shape = builder.node("shape", .shape(start: 0, end: nil), y)
      builder.output(builder.node("reshape", .reshape(allowZero: false), x, shape))
      #expect(try builder.typed().hasBatchAxis == isBatch, "\(inner)")
    }
  }

  @Test("what is looked up for each row keeps rows apart; what is looked up among rows does not")
  func lookups() throws {
    var builder = GraphBuilder()
    let indices = builder.input("indices", [Self.rows, .known(3)], .int64)
    builder.output(builder.node("embedding", .gather(axis: 0), try builder.ramp("table", [5, 4]), indices))
    #expect(try builder.typed().hasBatchAxis)
    #expect(
      try !check { builder, x in
        builder.node("rows", .gather(axis: 0), x, try builder.integers("which", [0, 0]))
      })
  }
}
