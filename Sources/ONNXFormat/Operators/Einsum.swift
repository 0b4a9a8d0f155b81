import ModelGraph
import Tensors

extension OperatorImport {
  /// Sums of products over named axes (`https://onnx.ai/onnx/operators/onnx__Einsum.html`), one operand after the other.
  static let einsumOperators: [String: OperatorImport] = [
    "Einsum": OperatorImport(1...Int.max, since: 12) { node in
      guard let text = try node.text("equation") else {
        throw node.malformed("lacks the attribute 'equation'")
      }
      let equation = try Equation(text, node)
      let factors = try equation.operands.enumerated().map { index, axes in
        try node.diagonal(try node.operand(index), axes, "operand\(index)")
      }
      var result = factors[0]
      if factors.count == 1 {
        result = try node.summed(result.value, result.axes, keeping: equation.result, "x")
      }
      for (index, factor) in factors.enumerated().dropFirst() {
        let wanted = factors[(index + 1)...].flatMap(\.axes) + equation.result
        result = try node.product(result, factor, keeping: wanted, index == 1 ? "" : "\(index)/")
      }
      try node.emit(
        .transpose(permutation: try node.places(of: equation.result, in: result.axes)), [result.value])
    }
  ]
}

/// The axes of each operand and of the result, one character each.
private struct Equation {
  var operands: [[Character]]
  var result: [Character]

  init(_ text: String, _ node: NodeImport) throws {
    let sides = text.filter { !$0.isWhitespace }.split(
      separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    let terms = sides[0].split(separator: ",", omittingEmptySubsequences: false)
    guard terms.count == node.operands.count, sides.count == 1 || sides[1].first == ">" else {
      throw node.malformed("has the equation '\(shown(text))' for \(node.operands.count) operands")
    }
    // Axes that an ellipsis stands for; those of several operands agree from the last one on.
    var unnamed: [Int] = []
    for (term, operand) in zip(terms, node.operands) where term.contains("...") {
      guard let rank = node.rank(operand) else {
        throw NodeImport.UnsupportedForm(
          reason: "an ellipsis for an operand whose rank cannot be told from the file")
      }
      unnamed.append(rank - (term.count - 3))
    }
    guard unnamed.allSatisfy({ $0 >= 0 }) else {
      throw node.malformed("has an operand with fewer axes than its equation '\(shown(text))' names")
    }
    let symbols = "⓪①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮".suffix(unnamed.max() ?? 0)
    var counts = unnamed.makeIterator()
    operands = terms.map { term in
      term.contains("...") ? Equation.axes(term, ellipsis: symbols.suffix(counts.next() ?? 0)) : Array(term)
    }
    let letters = operands.flatMap { $0 }
    // Without a right-hand side: what appears once, in alphabetical order.
    result =
      sides.count == 2
      ? Equation.axes(sides[1].dropFirst(), ellipsis: symbols)
      : Array(symbols)
        + Set(letters).filter { letter in letter.isLetter && letters.count { $0 == letter } == 1 }.sorted()
    guard symbols.count == unnamed.max() ?? 0,
      (letters + result).allSatisfy({ $0.isLetter || symbols.contains($0) }),
      Set(result).count == result.count, Set(result).isSubset(of: letters),
      Set(result).isSuperset(of: symbols),
      letters.count <= 32
    else { throw NodeImport.UnsupportedForm(reason: "equation '\(shown(text))'") }
  }

  private static func axes(_ term: Substring, ellipsis: Substring) -> [Character] {
    guard let dots = term.firstRange(of: "...") else { return Array(term) }
    return Array(term[..<dots.lowerBound]) + Array(ellipsis) + Array(term[dots.upperBound...])
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

  /// `value` along the diagonal of axes of one name, so that there is but one of each.
  fileprivate func diagonal(_ value: ValueID, _ axes: [Character], _ suffix: String) throws -> (
    value: ValueID, axes: [Character]
  ) {
    var (value, axes) = (value, axes)
    while let second = axes.indices.first(where: { axes[..<$0].contains(axes[$0]) }),
      let first = axes.firstIndex(of: axes[second])
    {
      let others = axes.indices.filter { $0 != first && $0 != second }
      let name = "\(suffix)/diagonal\(axes.count)"
      let moved = intermediate(.transpose(permutation: others + [first, second]), [value], name + "/moved")
      let count = intermediate(.shape(start: others.count, end: others.count + 1), [moved], name + "/count")
      let square = intermediate(.concat(axis: 0), [count, count], name + "/square")
      let ones = intermediate(
        .constantOfShape(value: try Tensor([true], shape: .scalar)), [square], name + "/ones")
      let upper = intermediate(.triangular(upper: true), [ones], name + "/upper")
      let mask = intermediate(.triangular(upper: false), [upper], name + "/mask")
      let zero = try constant(0, like: value, name + "/zero")
      let kept = intermediate(.select, [mask, moved, zero], name + "/kept")
      value = intermediate(
        .reduce(.sum, keepDimensions: false, noopWithEmptyAxes: false),
        [kept, try constant([-1], name + "/axes")], name)
      axes = others.map { axes[$0] } + [axes[first]]
    }
    return (value, axes)
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
  ///
  /// - Parameter result: the axes that are not summed over.
  fileprivate func product(
    _ left: (value: ValueID, axes: [Character]), _ right: (value: ValueID, axes: [Character]),
    keeping result: [Character], _ prefix: String
  ) throws -> (value: ValueID, axes: [Character]) {
    let a = try summed(left.value, left.axes, keeping: right.axes + result, prefix + "a")
    let b = try summed(right.value, right.axes, keeping: left.axes + result, prefix + "b")
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
      [try matrix(a, onlyA.last, prefix + "a"), try matrix(b, onlyB.last, prefix + "b")], prefix + "product")
    let single = (onlyA.isEmpty ? [outer.count] : []) + (onlyB.isEmpty ? [outer.count + 1] : [])
    let narrow =
      single.isEmpty
      ? product
      : intermediate(
        .squeeze, [product, try constant(single, prefix + "narrow/axes")], prefix + "narrow")
    return (narrow, Array(outer) + (onlyA.suffix(1) + onlyB.suffix(1)))
  }
}
