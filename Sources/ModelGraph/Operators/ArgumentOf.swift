import Tensors

/// ONNX `ArgMax` and `ArgMin`: results are int64.
package struct ArgumentOf: Operator {
  package static let name = "argument"
  package static let signature = Signature(.data("x"))
  package static let family = OperatorFamily.window

  package var extremum: Extremum
  package var axis: Int
  package var keepDimensions: Bool
  package var selectLastIndex: Bool

  package static var coding: Coding<Self> {
    Coding(Self.init, \.extremum, \.axis, \.keepDimensions, \.selectLastIndex)
  }

  package var name: String { "argument.\(extremum.rawValue)" }

  package var attributes: [PrintedAttribute] { [PrintedAttribute("axis", axis)] }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    [try node.argument(axis: axis, keepDimensions: keepDimensions)]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool {
    rows.isRows(0) && rows.restIsFixed && rows.isInner(axis, of: 0)
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(
      ArgumentOf(extremum: extremum, axis: 0, keepDimensions: true, selectLastIndex: selectLastIndex),
      operands: operands, results: results)
  }
}

extension Op {
  package static func argumentOf(_ extremum: Extremum, axis: Int, keepDimensions: Bool, selectLastIndex: Bool)
    -> Op
  {
    Op(
      ArgumentOf(
        extremum: extremum, axis: axis, keepDimensions: keepDimensions, selectLastIndex: selectLastIndex))
  }
}

extension NodeTyping {
  /// ONNX `ArgMax` and `ArgMin`.
  fileprivate func argument(axis: Int, keepDimensions: Bool) throws(GraphError) -> Fact {
    guard var dimensions = dimensions(0) else { return Fact(.int64, nil) }
    let axis = try normalized(axis, rank: dimensions.count)
    if dimensions[axis].size == 0 { throw failure("there is no extremum of no elements") }
    if keepDimensions { dimensions[axis] = .known(1) } else { dimensions.remove(at: axis) }
    return Fact(.int64, dimensions)
  }
}
