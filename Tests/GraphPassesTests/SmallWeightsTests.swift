import ModelGraph
import Tensors
import Testing

import GraphPasses

/// Weights in another form: the numbers, and the graph around them.
struct SmallWeightsTests {
  private static let forms: [WeightForm] = [.bfloat16, .float16, .int8]

  // MARK: Numbers

  /// Half a step of the form, as a part of the largest number of a column's block.
  @Test(arguments: [(WeightForm.bfloat16, 0x1p-8), (.float16, 0x1p-11), (.int8, 0.5 / 127)])
  func numbersStayNear(form: WeightForm, bound: Double) throws {
    let (depth, columns) = (300, 21)
    let numbers = (0..<depth * columns).map { Float(($0 * 7919) % 2003 - 1001) / 700 }
    let back = try widened(numbers, depth, columns, form, block: 128)
    for (number, other) in zip(numbers, back) {
      #expect(Double(abs(number - other)) <= bound * Double(1001.0 / 700) * 1.001)
    }
  }

  @Test func zeroColumnsStayZero() throws {
    let numbers = (0..<64).map { $0 % 4 == 1 ? 0 : Float($0) }
    let back = try widened(numbers, 16, 4, .int8, block: 16)
    for row in 0..<16 { #expect(back[row * 4 + 1] == 0) }
    // Too small for a scale that is not subnormal.
    #expect(try widened([Float](repeating: 1e-38, count: 4), 2, 2, .int8, block: 2).allSatisfy { $0 == 0 })
  }

  @Test func numbersThatTheFormCannotHoldAreRefused() throws {
    for form in Self.forms {
      for number in [Float.nan, .infinity, -.infinity] {
        #expect(throws: SmallWeightsRefusal.notFinite) {
          try self.widened([1, number], 2, 1, form, block: 2)
        }
      }
    }
    #expect(throws: SmallWeightsRefusal.tooLarge) { try widened([1, 70000], 2, 1, .float16, block: 2) }
    #expect(try widened([1, 65504], 2, 1, .float16, block: 2) == [1, 65504])
    #expect(throws: SmallWeightsRefusal.tooLarge) {
      try widened([1, .greatestFiniteMagnitude], 2, 1, .bfloat16, block: 2)
    }
    #expect(try widened([1, 1e38], 2, 1, .bfloat16, block: 2)[1] > 9.9e37)
  }

  // MARK: Graphs

  @Test(arguments: forms) func productsTakeTheForm(form: WeightForm) throws {
    for isTransposed in [false, true] {
      var builder = GraphBuilder()
      let x = builder.input("x", [4, 256])
      let w = try builder.ramp("w", isTransposed ? [100, 256] : [256, 100])
      let bias = try builder.ramp("bias", [100])
      let other = builder.input("other", [4, 100])
      let product = builder.node(
        "product", .matrixMultiply(MatrixMultiply(transposeB: isTransposed, alpha: 2)), x, w, bias)
      builder.output(builder.node("sum", .binary(.add), product, other))
      var graph = try builder.after(.postOpFusion).graph
      let report = try graph.reduceWeights(to: form)
      try graph.verify()
      let node = try #require(graph.nodes.first)
      #expect(graph.nodes.count == 1 && report.reduced == 1 && report.notes.isEmpty)
      #expect(node.op.as(SmallProduct.self)?.columns == 100)
      #expect(node.postOps == [.binary(.add, graph.inputs[1])])
      let names = graph.operandNames(of: "sum")
      #expect(names.last == "other" && names[3] == "bias" && (names[2] == nil) == (form != .int8))
      #expect(graph.tensor(node.inputs[1])?.shape.dims == [7, 256, 16])
      #expect(Double(report.bytesAfter) < Double(report.bytesBefore) * (form == .int8 ? 0.31 : 0.57))
    }
  }

  @Test func convolutionsAndLookupsTakeTheForm() throws {
    var builder = GraphBuilder()
    let image = try builder.convolution(
      "image", builder.input("x", [1, 64, 8, 8]), weights: [64, 64, 3, 3], padding: 1)
    let table = try builder.ramp("table", [300, 64])
    let rows = builder.node("rows", .gather(axis: 0), table, builder.input("indices", [5], .int64))
    builder.output(image, rows)
    var graph = try builder.typed()
    let report = try graph.reduceWeights(to: .int8)
    try graph.verify()
    #expect(report.reduced == 2)
    #expect(Set(graph.nodes.map(\.op.name)) == ["conv.small", "gather", "cast", "binary.multiply"])
    #expect(
      !graph.constants.values.contains { $0.type.elementType == .float32 && $0.tensor?.byteCount ?? 0 > 4096 }
    )
    #expect(graph[graph.outputs[1]].type == ValueType(.float32, [5, 64]))
  }

  /// Small weights, weights that another node reads, several groups, and weights that the form cannot hold.
  @Test func othersStayFloats() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", [4, 256])
    let few = try builder.ramp("few", [256, 8])
    let shared = try builder.ramp("shared", [256, 128])
    let large = try builder.constant("large", [Float](repeating: 1e6, count: 256 * 128), [256, 128])
    let multiply = Op.matrixMultiply(MatrixMultiply())
    builder.output(
      builder.node("a", multiply, x, few), builder.node("b", multiply, x, shared),
      builder.node("c", .unary(.exponential), shared), builder.node("d", multiply, x, large),
      try builder.convolution(
        "e", builder.input("image", [1, 128, 4, 4]), weights: [128, 64, 3, 3], groups: 2))
    let before = try builder.typed()
    var graph = before
    let report = try graph.reduceWeights(to: .float16)
    #expect(graph == before && report.reduced == 0)
    #expect(report.notes == ["the weights 'large' stay floats: some are larger than f16 holds"])
  }

  /// A table that is also the matrix of the last product is stored once for each, where both together take less.
  @Test func aTableThatIsAMatrixTooIsReducedToBytesAlone() throws {
    var builder = GraphBuilder()
    let table = try builder.ramp("table", [300, 64])
    let rows = builder.node("rows", .gather(axis: 0), table, builder.input("indices", [5], .int64))
    builder.output(builder.node("y", .matrixMultiply(MatrixMultiply(transposeB: true)), rows, table))
    let before = try builder.typed()
    var graph = before
    #expect(try graph.reduceWeights(to: .bfloat16).reduced == 0)
    #expect(graph == before)
    #expect(try graph.reduceWeights(to: .int8).reduced == 2)
    try graph.verify()
  }

  /// Reduces a matrix and widens it again.
  private func widened(
    _ numbers: [Float], _ depth: Int, _ columns: Int, _ form: WeightForm, block: Int
  ) throws -> [Float] {
    let matrix = WeightMatrix(outer: (1, 0), inner: (depth, columns), columns: (columns, 1))
    let small = try numbers.withUnsafeBufferPointer { buffer in
      try matrix.panels(of: try #require(buffer.baseAddress), as: form, block: block)
    }
    let scales = small.scale?.floats
    let levels = small.weights.integers?.map { Float($0) } ?? small.weights.floats ?? []
    let blocks = (depth + block - 1) / block
    return (0..<depth * columns).map { index in
      let (row, column) = (index / columns, index % columns)
      let level = levels[(column / 16 * depth + row) * 16 + column % 16]
      return level * (scales?[(column / 16 * blocks + row / block) * 16 + column % 16] ?? 1)
    }
  }
}
