import Tensors

/// ONNX `Unique`: the distinct elements of the flattened operand, or its distinct slices along an axis.
///
/// Results: the distinct elements, the index of the first occurrence of each, the index among them of each element
/// of the operand, and the number of occurrences of each.
package struct Unique: Operator {
  package static let name = "unique"
  package static let signature = Signature(.data("x"), results: 1...4)
  package static let family = OperatorFamily.movement
  package static let resultSizesDependOnData = true

  /// `nil` for the flattened operand.
  package var axis: Int?
  /// True for ascending results; otherwise, they are in the order of their first occurrences.
  package var sorted: Bool

  package static var coding: Coding<Self> { Coding(Self.init, \.axis, \.sorted) }

  package var attributes: [PrintedAttribute] {
    (axis.map { [PrintedAttribute("axis", $0)] } ?? []) + (sorted ? [] : [PrintedAttribute("order", "first")])
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { try node.unique(axis: axis) }
}

extension Op {
  package static func unique(axis: Int?, sorted: Bool) -> Op { Op(Unique(axis: axis, sorted: sorted)) }
}

extension NodeTyping {
  fileprivate func unique(axis: Int?) throws(GraphError) -> [Fact?] {
    let list = Fact(.int64, [.unknown])
    var values: Fact?
    var places = list
    if let type = type(0) {
      guard type.elementType.bitWidth >= 8 else { throw failure("its operand is \(type.elementType)") }
      var dimensions: [Dimension]? = [.unknown]
      if let axis {
        dimensions = type.dimensions
        if let whole = type.dimensions {
          let axis = try normalized(axis, rank: whole.count)
          dimensions?[axis] = .unknown
          places = Fact(.int64, [whole[axis]])
        }
      } else if let whole = type.dimensions {
        places = Fact(.int64, [try sized(DimensionProduct(whole)?.dimension)])
      }
      values = Fact(type.elementType, dimensions)
    }
    return Array([values, list, places, list].prefix(node.outputs.count))
  }
}
