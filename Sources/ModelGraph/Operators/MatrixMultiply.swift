import Tensors

/// `alpha · op(a) × op(b)`, batched as NumPy's matmul; the transposes swap the last two axes.
package struct MatrixMultiply: Operator {
  package static let name = "matmul"
  package static let signature = Signature(.data("a"), .data("b"), .optional(.data("bias")))
  package static let family = OperatorFamily.linear
  package static let writesApart = true
  package var reals: RealElements { .computed }

  package var transposeA: Bool
  package var transposeB: Bool
  package var alpha: Double

  package init(transposeA: Bool = false, transposeB: Bool = false, alpha: Double = 1) {
    self.transposeA = transposeA
    self.transposeB = transposeB
    self.alpha = alpha
  }

  package static var coding: Coding<Self> { Coding(Self.init, \.transposeA, \.transposeB, \.alpha) }

  package var attributes: [PrintedAttribute] {
    (transposeA ? [PrintedAttribute("transpose", "a")] : [])
      + (transposeB ? [PrintedAttribute("transpose", "b")] : [])
      + (alpha == 1 ? [] : [PrintedAttribute("alpha", alpha)])
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.matrixMultiply(self)] }

  package func keepsRows(_ rows: BatchRows) -> Bool {
    guard let left = rows.rank(0), let right = rows.rank(1), !rows.has(2) || rows.broadcasts(2) else {
      return false
    }
    // Two axes are multiplied: rows of the left operand are its first axis, or one of those before.
    if rows.isRows(0), left == 2 { return !transposeA && rows.isFixed(1) && right == 2 }
    return rows.resultRank >= 3 && max(left, right) == rows.resultRank && rows.broadcasts(0)
      && rows.broadcasts(1)
  }

  package func multiplyAdds(_ sizes: NodeSizes) -> Double {
    sizes.resultElements * sizes.size(sizes.rank(0) - (transposeA ? 2 : 1), of: 0)
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(self, operands: operands, results: results).with(
      .sizes([1, 1]), .sizes([1, 1]), results: [1, 1])
  }

  package func nominalShape(weights: [Int], rank: Int?) -> [Int]? {
    guard weights.count == 2, !transposeA else { return nil }
    return Array(repeating: 1, count: max((rank ?? 2) - 1, 1)) + [transposeB ? weights[1] : weights[0]]
  }
}

extension Op {
  package static func matrixMultiply(_ multiply: MatrixMultiply) -> Op { Op(multiply) }
}

extension NodeTyping {
  /// NumPy's `matmul`: leading axes broadcast; an operand of one axis is a row (a) or a column (b) and loses that axis.
  fileprivate func matrixMultiply(_ multiply: MatrixMultiply) throws(GraphError) -> Fact? {
    try checkSameElementType([0, 1, 2])
    guard let type = elementType(0) ?? elementType(1) else { return nil }
    guard let result = try matrixProduct(multiply) else { return Fact(type, nil) }
    try checkBroadcast(dimensions(2), to: result, "the bias")
    return Fact(type, result)
  }

  /// The dimensions of the product of the first two operands; `nil` while theirs are not known.
  func matrixProduct(_ multiply: MatrixMultiply) throws(GraphError) -> [Dimension]? {
    guard var a = dimensions(0), var b = dimensions(1) else { return nil }
    guard !a.isEmpty, !b.isEmpty else { throw failure("a scalar is no matrix") }
    let isRow = a.count == 1
    let isColumn = b.count == 1
    if isRow { a.insert(.known(1), at: 0) } else if multiply.transposeA { a.swapAt(a.count - 2, a.count - 1) }
    if isColumn { b.append(.known(1)) } else if multiply.transposeB { b.swapAt(b.count - 2, b.count - 1) }
    guard a[a.count - 1].unified(with: b[b.count - 2]) != nil else {
      throw failure(
        "the inner dimensions of \(ValueType.text(a)) and \(ValueType.text(b))\(transposes(multiply)) differ")
    }
    guard var result = try broadcast(Array(a.dropLast(2)), Array(b.dropLast(2))) else { return nil }
    if !isRow { result.append(a[a.count - 2]) }
    if !isColumn { result.append(b[b.count - 1]) }
    return result
  }

  fileprivate func transposes(_ multiply: MatrixMultiply) -> String {
    multiply.transposeA || multiply.transposeB ? " (after transposing)" : ""
  }
}
