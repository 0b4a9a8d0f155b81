import Tensors

/// ONNX `Flatten`.
package struct Flatten: Operator {
  package static let name = "flatten"
  package static let signature = Signature(.data("x"))
  package static let family = OperatorFamily.movement
  package static let isView = true
  package var reals: RealElements { .moved }

  package var axis: Int

  package static var coding: Coding<Self> { Coding(Self.init, \.axis) }

  package var attributes: [PrintedAttribute] { [PrintedAttribute("axis", axis)] }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.flatten(axis: axis)] }

  package func keepsRows(_ rows: BatchRows) -> Bool {
    rows.isRows(0) && rows.restIsNotRows && rows.keepsElements
  }
}

extension Op {
  package static func flatten(axis: Int) -> Op { Op(Flatten(axis: axis)) }
}

extension NodeTyping {
  fileprivate func flatten(axis: Int) throws(GraphError) -> Fact? {
    guard let operand = self[0] else { return nil }
    let type = operand.type.elementType
    guard let dimensions = operand.type.dimensions else { return Fact(type, [.unknown, .unknown]) }
    let rank = dimensions.count
    guard -rank...rank ~= axis else {
      throw failure("axis \(axis) is not one of \(rank) axes, nor behind them")
    }
    let cut = axis < 0 ? axis + rank : axis
    guard let rows = DimensionProduct(dimensions[..<cut]), let columns = DimensionProduct(dimensions[cut...])
    else { throw failure("a number of elements is larger than this machine can address") }
    let result = [rows.dimension, columns.dimension]
    return Fact(type, result, elements: elements(of: operand, as: result))
  }
}
