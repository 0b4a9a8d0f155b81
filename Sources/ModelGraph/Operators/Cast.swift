import Tensors

/// ONNX `Cast`.
package struct Cast: Operator {
  package static let name = "cast"
  package static let signature = Signature(.data("x"))
  package static let family = OperatorFamily.elementwise
  package static let isShapeArithmetic = true

  package var target: ElementType

  package static var coding: Coding<Self> { Coding(Self.init, \.target) }

  package var attributes: [PrintedAttribute] { [PrintedAttribute("to", target.shortName)] }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [node.cast(to: target)] }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.isRows(0) }
}

extension Op {
  package static func cast(_ target: ElementType) -> Op { Op(Cast(target: target)) }
}

extension NodeTyping {
  fileprivate func cast(to target: ElementType) -> Fact? {
    guard let operand = self[0] else { return nil }
    let source = operand.type.elementType
    return Fact(
      target, operand.type.dimensions,
      elements: operand.elements?.map { $0.cast(from: source, to: target) })
  }
}
