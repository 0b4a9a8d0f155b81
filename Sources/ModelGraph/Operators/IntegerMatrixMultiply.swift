import Tensors

/// The matrix product of 8-bit integers: `Σ (a − a's zero point) · (b − b's zero point) + bias` in `int32`, which wraps; then
/// ``ProductResult``.
///
/// It is ONNX `MatMulInteger`, and with a scale and a zero point of the result `QLinearMatMul`. Shapes are those of
/// ``MatrixMultiply``. Each operand is `int8` or `uint8`; its zero point has its type and broadcasts to it, before it is
/// transposed. Bias (`int32`) and scale (`float32`) are one number, or one for each column. A rounded result has its step in the place
/// of a zero point.
package struct IntegerMatrixMultiply: Operator {
  package static let name = "matmul.integer"
  package static let signature = Signature(
    .data("a"), .data("b"), .optional(.data("a zero point")), .optional(.data("b zero point")),
    .optional(.data("bias")), .optional(.data("scale")), .optional(.data("zero point")))
  package static let family = OperatorFamily.linear
  package static let writesApart = true

  package var transposeA: Bool
  package var transposeB: Bool
  package var result: ProductResult

  package init(transposeA: Bool = false, transposeB: Bool = false, result: ProductResult = .sums) {
    self.transposeA = transposeA
    self.transposeB = transposeB
    self.result = result
  }

  package static var coding: Coding<Self> { Coding(Self.init, \.transposeA, \.transposeB, \.result) }

  /// The product of floats with the same shapes.
  package var shape: MatrixMultiply { MatrixMultiply(transposeA: transposeA, transposeB: transposeB) }

  package var attributes: [PrintedAttribute] { shape.attributes + result.printedAttributes }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    try node.checkIntegerProduct(result)
    let dimensions = try node.matrixProduct(shape)
    try node.checkEpilogue(channels: dimensions?.last)
    return [Fact(result.elementType, dimensions)]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool {
    guard rows.isRows(0), let left = rows.rank(0), let right = rows.rank(1),
      (2..<7).allSatisfy({ rows.isFixed($0) }), !rows.has(2) || rows.rank(2).map({ $0 <= 1 }) ?? false
    else { return false }
    if left == 2 { return !transposeA && rows.isFixed(1) && right == 2 }
    return rows.resultRank >= 3 && left == rows.resultRank && rows.broadcasts(1)
  }

  package func multiplyAdds(_ sizes: NodeSizes) -> Double { shape.multiplyAdds(sizes) }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(self, operands: operands, results: results).with(
      .sizes([1, 1]), .sizes([1, 1]), results: [1, 1])
  }

  package func nominalShape(weights: [Int], rank: Int?) -> [Int]? {
    shape.nominalShape(weights: weights, rank: rank)
  }
}

extension Op {
  package static func integerMatrixMultiply(_ multiply: IntegerMatrixMultiply = IntegerMatrixMultiply()) -> Op
  { Op(multiply) }
}

extension NodeTyping {
  /// Checks the element types of a product of 8-bit integers, and that its result has the operands that it needs.
  func checkIntegerProduct(_ result: ProductResult) throws(GraphError) {
    for index in 0..<2 {
      guard let type = elementType(index) else { continue }
      guard type == .int8 || type == .uint8 else {
        throw failure("it multiplies 8-bit integers, not \(type)")
      }
      if let zero = elementType(index + 2), zero != type {
        throw failure("a zero point of elements of type \(type) is \(zero)")
      }
    }
    if let type = elementType(4), type != .int32 { throw failure("its bias is \(type), not int32") }
    if let type = elementType(5), type != .float32 { throw failure("its scale is \(type), not float32") }
    if let type = elementType(6), type != result.elementType {
      throw failure("the zero point or step of its result is \(type), not \(result.elementType)")
    }
    guard (result == .sums) != has(5) else {
      throw failure(has(5) ? "its sums take no scale" : "its result needs a scale")
    }
    switch result {
    case .levels: return
    case .rounded:
      guard has(6) else { throw failure("a rounded result needs a step") }
      return
    case .sums, .floats: break
    }
    guard !has(6) else { throw failure("a result of type \(result.elementType) has no zero point") }
  }

  /// Checks that bias and scale are one number or one for each channel, and the zero point of the result one number.
  func checkEpilogue(channels: Dimension?) throws(GraphError) {
    for (index, what) in [(4, "bias"), (5, "scale"), (6, "zero point")] {
      guard let dimensions = dimensions(index), dimensions.contains(where: { $0 != .known(1) }) else {
        continue
      }
      guard index < 6, dimensions.count == 1 else {
        throw failure("its \(what) is \(ValueType.text(dimensions))")
      }
      if let channels { try checkVector(index, channels, what) }
    }
  }
}
