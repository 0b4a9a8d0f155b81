import Tensors

/// ONNX `Pad`: adds (or, where negative, takes away) elements at the begins of axes, then at their ends.
package struct Pad: Operator {
  package static let name = "pad"
  package static let signature = Signature(
    .data("x"), .shape("pads"), .optional(.data("value")), .optional(.shape("axes")))
  package static let family = OperatorFamily.movement
  package var reals: RealElements { .moved }

  package var mode: PadMode

  package static var coding: Coding<Self> { Coding(Self.init, \.mode) }

  package var attributes: [PrintedAttribute] { [PrintedAttribute("mode", mode.rawValue)] }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.pad()] }

  package func keepsRows(_ rows: BatchRows) -> Bool {
    guard rows.isRows(0), rows.restIsFixed, let rank = rows.rank(0), let amounts = rows.integers(1) else {
      return false
    }
    if rows.has(3) { return rows.areInner(axesIn: 3) }
    return amounts.count == 2 * rank && amounts[0] == 0 && amounts[rank] == 0
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(self, operands: operands, results: results)
      .with(.sizes([1]), .integers([0, 0]), .absent, .absent)
  }
}

extension Op {
  package static func pad(_ mode: PadMode) -> Op { Op(Pad(mode: mode)) }
}

extension NodeTyping {
  /// Adds (or, where negative, takes away) elements at the begins of axes, then at their ends.
  fileprivate func pad() throws(GraphError) -> Fact? {
    try checkInteger(1, "amounts")
    guard let type = type(0) else { return nil }
    guard let dimensions = type.dimensions else { return Fact(type) }
    let rank = dimensions.count
    var result = dimensions
    var axes = Array(0..<rank)
    if has(3) {
      try checkInteger(3, "axes")
      guard let given = try integers(3) else {
        return Fact(type.elementType, [Dimension](repeating: .unknown, count: rank))
      }
      axes = try normalized(given, rank: rank)
    }
    guard let amounts = try list(1) else {
      for axis in axes { result[axis] = .unknown }
      return Fact(type.elementType, result)
    }
    guard amounts.count == 2 * axes.count else {
      throw failure("\(amounts.count) amounts are given for \(axes.count) axes")
    }
    for (position, axis) in axes.enumerated() {
      let begin = amounts[position].dimension
      let end = amounts[position + axes.count].dimension
      result[axis] = try sized(try sized(dimensions[axis].plus(begin)).plus(end))
      if let size = result[axis].size, size < 0 {
        throw failure("more is taken away from axis \(axis) than there is")
      }
    }
    return Fact(type.elementType, result)
  }
}
