import Tensors

/// An affine function of quantised values, by channel, quantised again: `level = round(x · factor + shift) + zero point`, within a
/// range; ties round to even. `x` is a level as it is, without a zero point subtracted.
///
/// `x` and the result are `int8` or `uint8`. Factor and shift (`float32`) have one number for each index along the axis.
package struct LevelAffine: Operator {
  package static let name = "levels.affine"
  package static let signature = Signature(.data("x"), .data("factor"), .data("shift"))
  package static let family = OperatorFamily.elementwise

  /// Counts from the start.
  package var axis: Int
  package var zero: Int
  package var range: QuantizedRange

  package init(axis: Int, zero: Int, range: QuantizedRange) {
    self.axis = axis
    self.zero = zero
    self.range = range
  }

  package static var coding: Coding<Self> { Coding(Self.init, \.axis, \.zero, \.range) }

  package var attributes: [PrintedAttribute] {
    [
      PrintedAttribute("axis", axis), PrintedAttribute("zero", zero),
      PrintedAttribute("range", "\(range.minimum)…\(range.maximum)"),
    ]
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    try node.checkLevels(0)
    guard LevelSteps.zeros.contains(zero) else { throw node.failure("its zero point is \(zero)") }
    for (index, what) in [(1, "factor"), (2, "shift")] {
      if let type = node.elementType(index), type != .float32 { throw node.failure("its \(what) is \(type)") }
      if let given = node.dimensions(index), given.count != 1 {
        throw node.failure("its \(what) is \(ValueType.text(given))")
      }
      if let whole = node.dimensions(0) {
        guard whole.indices.contains(axis) else { throw node.failure("it has no axis \(axis)") }
        try node.checkVector(index, whole[axis], what)
      }
    }
    return [Fact(range.elementType, node.dimensions(0))]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool {
    rows.isRows(0) && rows.restIsFixed && rows.isInner(axis, of: 0)
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(LevelAffine(axis: 0, zero: zero, range: range), operands: operands, results: results)
  }
}

extension Op {
  package static func levelAffine(axis: Int, zero: Int, range: QuantizedRange) -> Op {
    Op(LevelAffine(axis: axis, zero: zero, range: range))
  }
}
