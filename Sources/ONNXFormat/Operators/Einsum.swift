import ModelGraph

extension OperatorImport {
  /// Sums of products over named axes, of one or two operands (`https://onnx.ai/onnx/operators/onnx__Einsum.html`).
  static let einsumOperators: [String: OperatorImport] = [
    "Einsum": OperatorImport(1...2, since: 12) { node in
      guard let text = try node.text("equation") else {
        throw node.malformed("lacks the attribute 'equation'")
      }
      let equation = try Equation(text, operands: node.operands.count, node)
      if equation.operands.count == 1 {
        let reduced = try node.summed(
          try node.operand(0), equation.operands[0], keeping: equation.result, "x")
        return try node.emit(
          .transpose(permutation: try node.places(of: equation.result, in: reduced.axes)), [reduced.value])
      }
      try node.product(equation)
    }
  ]
}

/// The axes of each operand and of the result, one letter each.
private struct Equation {
  var operands: [[Character]]
  var result: [Character]

  init(_ text: String, operands count: Int, _ node: NodeImport) throws {
    let sides = text.filter { !$0.isWhitespace }.split(
      separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    let terms = sides[0].split(separator: ",", omittingEmptySubsequences: false).map(Array.init)
    guard terms.count == count, sides.count == 1 || sides[1].first == ">" else {
      throw node.malformed("has the equation '\(shown(text))' for \(count) operands")
    }
    operands = terms
    let letters = terms.flatMap { $0 }
    // Without a right-hand side: what appears once, in alphabetical order.
    result =
      sides.count == 2
      ? Array(sides[1].dropFirst())
      : Set(letters).filter { letter in letters.count { $0 == letter } == 1 }.sorted()
    guard (operands + [result]).allSatisfy({ Set($0).count == $0.count && $0.allSatisfy(\.isLetter) }),
      Set(result).isSubset(of: letters), letters.count <= 32
    else { throw NodeImport.UnsupportedForm(reason: "equation '\(shown(text))'") }
  }
}

extension NodeImport {
  /// Returns the position of each of `axes` in `order`.
  fileprivate func places(of axes: [Character], in order: [Character]) throws -> [Int] {
    try axes.map { axis in
      guard let place = order.firstIndex(of: axis) else {
        throw malformed("has an equation without '\(axis)'")
      }
      return place
    }
  }

  /// `value` summed over the axes that are not in `kept`.
  fileprivate func summed(_ value: ValueID, _ axes: [Character], keeping kept: [Character], _ suffix: String)
    throws -> (value: ValueID, axes: [Character])
  {
    let gone = axes.indices.filter { !kept.contains(axes[$0]) }
    if gone.isEmpty { return (value, axes) }
    let sum = intermediate(
      .reduce(.sum, keepDimensions: false, noopWithEmptyAxes: false),
      [value, try constant(gone, suffix + "Summed/axes")], suffix + "Summed")
    return (sum, axes.filter(kept.contains))
  }

  /// A product of two operands as a batched matrix product: [outer, shared, rows, inner] × [outer, shared, columns, inner]ᵀ.
  ///
  /// Of the axes that only one operand has, the last is its rows (columns); the others are outer axes, along which the
  /// other operand is repeated. Inner axes, which the result lacks, become one.
  fileprivate func product(_ equation: Equation) throws {
    let (left, right, result) = (equation.operands[0], equation.operands[1], equation.result)
    let a = try summed(try operand(0), left, keeping: right + result, "a")
    let b = try summed(try operand(1), right, keeping: left + result, "b")
    let shared = a.axes.filter { b.axes.contains($0) && result.contains($0) }
    let inner = a.axes.filter { b.axes.contains($0) && !result.contains($0) }
    let onlyA = a.axes.filter { !b.axes.contains($0) }
    let onlyB = b.axes.filter { !a.axes.contains($0) }
    let outer = onlyA.dropLast() + onlyB.dropLast() + shared
    func matrix(_ operand: (value: ValueID, axes: [Character]), _ line: Character?, _ suffix: String) throws
      -> ValueID
    {
      let order = outer.filter(operand.axes.contains) + (line.map { [$0] } ?? []) + inner
      var value = intermediate(
        .transpose(permutation: try places(of: order, in: operand.axes)), [operand.value], suffix + "Ordered")
      var missing = outer.indices.filter { !operand.axes.contains(outer[$0]) }
      if line == nil { missing.append(outer.count) }
      if inner.isEmpty { missing.append(outer.count + 1) }
      if !missing.isEmpty {
        value = intermediate(
          .unsqueeze, [value, try constant(missing, suffix + "Widened/axes")], suffix + "Widened")
      }
      if inner.count > 1 {
        let merged = [Int](repeating: 0, count: outer.count + 1) + [-1]
        value = intermediate(
          .reshape(allowZero: false), [value, try constant(merged, suffix + "Merged/shape")],
          suffix + "Merged")
      }
      return value
    }
    let product = intermediate(
      .matrixMultiply(MatrixMultiply(transposeB: true)),
      [try matrix(a, onlyA.last, "a"), try matrix(b, onlyB.last, "b")], "product")
    let single = (onlyA.isEmpty ? [outer.count] : []) + (onlyB.isEmpty ? [outer.count + 1] : [])
    let narrow =
      single.isEmpty
      ? product : intermediate(.squeeze, [product, try constant(single, "narrow/axes")], "narrow")
    let order = Array(outer) + (onlyA.suffix(1) + onlyB.suffix(1))
    try emit(.transpose(permutation: try places(of: result, in: order)), [narrow])
  }
}
