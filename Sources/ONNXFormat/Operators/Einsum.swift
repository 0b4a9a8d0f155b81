import ModelGraph
import Tensors

extension OperatorImport {
  /// Sums of products over named axes (`https://onnx.ai/onnx/operators/onnx__Einsum.html`). Operands are multiplied from left to
  /// right, and an axis is summed as soon as neither the result nor an operand to come has it.
  static let einsumOperators: [String: OperatorImport] = [
    "Einsum": OperatorImport(1...Int.max, since: 12) { node in
      guard let text = try node.text("equation") else {
        throw node.malformed("lacks the attribute 'equation'")
      }
      guard node.operands.count <= 64 else {
        throw NodeImport.UnsupportedForm(reason: "of more than 64 operands")
      }
      let operands = try node.operands.indices.map(node.operand)
      let equation: Equation
      do { equation = try Equation(text, ranks: operands.map(node.rank)) } catch let fault as Equation.Fault {
        throw node.malformed("has the equation '\(shown(text))', which \(fault.reason)")
      }
      if operands.count > 2 {
        return try node.emitInFloats(operands) { operands in try node.product(of: operands, equation) }
      }
      let last = try node.product(of: operands, equation)
      try node.emit(last.op, last.inputs)
    }
  ]
}

/// A value, and the axes of the equation that it has.
private struct Labelled {
  var value: ValueID
  var axes: [Equation.Axis]
}

extension NodeImport {
  /// Returns the last step to the result.
  fileprivate func product(of operands: [ValueID], _ equation: Equation) throws -> (
    op: Op, inputs: [ValueID?]
  ) {
    var terms = try zip(operands, equation.operands).enumerated().map { index, operand in
      try diagonal(Labelled(value: operand.0, axes: operand.1), "operand\(index)")
    }
    var result = terms.removeFirst()
    var step = 0
    func kept(_ others: [Labelled]) -> Set<Equation.Axis> { Set(others.flatMap(\.axes) + equation.result) }
    if terms.isEmpty { result = try summed(result, keeping: kept([]), "operand0") }
    while !terms.isEmpty {
      let next = terms.removeFirst()
      let name = "step\(step)"
      result = try product(
        try summed(result, keeping: kept([next] + terms), name + "/a"),
        try summed(next, keeping: kept([result] + terms), name + "/b"), keeping: kept(terms), name)
      step += 1
    }
    return (.transpose(permutation: try places(of: equation.result, in: result.axes)), [result.value])
  }

  /// Returns the position of each of `axes` in `order`.
  private func places(of axes: [Equation.Axis], in order: [Equation.Axis]) throws -> [Int] {
    try axes.map { axis in
      guard let place = order.firstIndex(of: axis) else {
        throw malformed("has an equation that lacks an axis")
      }
      return place
    }
  }

  /// The elements of `term` whose indices along axes of one letter are equal.
  ///
  /// Both axes become the last ones, then one of n² elements, of which every (n + 1)th is on the diagonal.
  private func diagonal(_ term: Labelled, _ name: String) throws -> Labelled {
    var term = term
    var step = 0
    while let second = term.axes.indices.first(where: { term.axes[..<$0].contains(term.axes[$0]) }),
      let first = term.axes.firstIndex(of: term.axes[second])
    {
      func named(_ suffix: String) -> String { "\(name)/diagonal\(step)/\(suffix)" }
      let others = term.axes.indices.filter { $0 != first && $0 != second }
      let ordered = intermediate(
        .transpose(permutation: others + [first, second]), [term.value], named("ordered"))
      let size = intermediate(.shape(start: first, end: first + 1), [term.value], named("size"))
      // A 0 copies the size of an axis. Axes of different sizes do not have n² elements.
      let copied = try constant([Int](repeating: 0, count: others.count), named("copied"))
      let square = intermediate(.binary(.multiply), [size, size], named("square"))
      let flat = intermediate(
        .reshape(allowZero: false),
        [ordered, intermediate(.concat(axis: 0), [copied, square], named("shape"))], named("flat"))
      let pace = intermediate(.binary(.add), [size, try constant([1], named("one"))], named("pace"))
      term = Labelled(
        value: intermediate(
          .slice,
          [
            flat, try constant([0], named("start")), try constant([Int.max], named("end")),
            try constant([others.count], named("axis")), pace,
          ], named("picked")),
        axes: others.map { term.axes[$0] } + [term.axes[first]])
      step += 1
    }
    return term
  }

  /// `term` summed over the axes that are not in `kept`.
  private func summed(_ term: Labelled, keeping kept: Set<Equation.Axis>, _ name: String) throws -> Labelled {
    let gone = term.axes.indices.filter { !kept.contains(term.axes[$0]) }
    if gone.isEmpty { return term }
    let sum = intermediate(
      .reduce(.sum, keepDimensions: false, noopWithEmptyAxes: false),
      [term.value, try constant(gone, name + "Summed/axes")], name + "Summed")
    return Labelled(value: sum, axes: term.axes.filter(kept.contains))
  }

  /// `term` with its axes in this order, and with one element along those that it lacks; `nil` is an axis of no letter.
  private func ordered(_ term: Labelled, _ axes: [Equation.Axis?], _ name: String) throws -> ValueID {
    guard axes.count <= Shape.maximumRank else {
      throw UnsupportedForm(reason: "an equation of more than \(Shape.maximumRank) axes at once")
    }
    let own = axes.compactMap(\.self).filter(term.axes.contains)
    let value = intermediate(
      .transpose(permutation: try places(of: own, in: term.axes)), [term.value], name + "Ordered")
    let missing = axes.indices.filter { index in axes[index].map { !term.axes.contains($0) } ?? true }
    if missing.isEmpty { return value }
    return intermediate(
      .unsqueeze, [value, try constant(missing, name + "Widened/axes")], name + "Widened")
  }

  /// The product of two operands, summed over the axes that both have and `kept` lacks.
  private func product(_ a: Labelled, _ b: Labelled, keeping kept: Set<Equation.Axis>, _ name: String) throws
    -> Labelled
  {
    let inner = a.axes.filter { b.axes.contains($0) && !kept.contains($0) }
    let shared = a.axes.filter { b.axes.contains($0) && kept.contains($0) }
    let onlyA = a.axes.filter { !b.axes.contains($0) }
    let onlyB = b.axes.filter { !a.axes.contains($0) }
    if inner.isEmpty {
      let axes = onlyA + onlyB + shared
      return Labelled(
        value: intermediate(
          .binary(.multiply), [try ordered(a, axes, name + "/a"), try ordered(b, axes, name + "/b")],
          name + "/product"), axes: axes)
    }
    // A batched product of matrices: [outer, rows, inner] × [outer, columns, inner]ᵀ. Of the axes that only one operand has, the
    // last is its rows (columns); the others are outer axes, along which the other operand is repeated.
    let outer = Array(onlyA.dropLast() + onlyB.dropLast() + shared)
    func matrix(_ operand: Labelled, _ line: Equation.Axis?, _ suffix: String) throws -> ValueID {
      let value = try ordered(operand, outer + [line] + inner, suffix)
      if inner.count == 1 { return value }
      let merged = [Int](repeating: 0, count: outer.count + 1) + [-1]
      return intermediate(
        .reshape(allowZero: false), [value, try constant(merged, suffix + "Merged/shape")], suffix + "Merged")
    }
    let product = intermediate(
      .matrixMultiply(MatrixMultiply(transposeB: true)),
      [try matrix(a, onlyA.last, name + "/a"), try matrix(b, onlyB.last, name + "/b")], name + "/product")
    let single = (onlyA.isEmpty ? [outer.count] : []) + (onlyB.isEmpty ? [outer.count + 1] : [])
    let narrow =
      single.isEmpty
      ? product
      : intermediate(.squeeze, [product, try constant(single, name + "/narrow/axes")], name + "/narrow")
    return Labelled(value: narrow, axes: outer + onlyA.suffix(1) + onlyB.suffix(1))
  }
}
