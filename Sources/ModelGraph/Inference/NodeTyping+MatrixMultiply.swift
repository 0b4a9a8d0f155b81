import Tensors

extension NodeTyping {
  /// NumPy's `matmul`: leading axes broadcast; an operand of one axis is a row (a) or a column (b) and loses that axis.
  func matrixMultiply(_ multiply: MatrixMultiply) throws(GraphError) -> Fact? {
    try checkSameElementType([0, 1, 2])
    guard let type = elementType(0) ?? elementType(1) else { return nil }
    guard var a = dimensions(0), var b = dimensions(1) else { return Fact(type, nil) }
    guard !a.isEmpty, !b.isEmpty else { throw failure("a scalar is no matrix") }
    let isRow = a.count == 1
    let isColumn = b.count == 1
    if isRow { a.insert(.known(1), at: 0) } else if multiply.transposeA { a.swapAt(a.count - 2, a.count - 1) }
    if isColumn { b.append(.known(1)) } else if multiply.transposeB { b.swapAt(b.count - 2, b.count - 1) }
    guard a[a.count - 1].unified(with: b[b.count - 2]) != nil else {
      throw failure(
        "the inner dimensions of \(ValueType.text(a)) and \(ValueType.text(b))\(transposes(multiply)) differ")
    }
    guard var result = try broadcast(Array(a.dropLast(2)), Array(b.dropLast(2))) else {
      return Fact(type, nil)
    }
    if !isRow { result.append(a[a.count - 2]) }
    if !isColumn { result.append(b[b.count - 1]) }
    try checkBroadcast(dimensions(2), to: result, "the bias")
    return Fact(type, result)
  }

  private func transposes(_ multiply: MatrixMultiply) -> String {
    multiply.transposeA || multiply.transposeB ? " (after transposing)" : ""
  }
}
