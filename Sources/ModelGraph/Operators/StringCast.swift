import Tensors

/// ONNX `Cast` of texts to numbers or booleans, and of those to texts.
package struct StringCast: Operator {
  package static let name = "stringCast"
  package static let signature = Signature(.data("x"))
  package static let family = OperatorFamily.elementwise

  package var target: ElementType

  package static var coding: Coding<Self> { Coding(Self.init, \.target) }

  package var attributes: [PrintedAttribute] { [PrintedAttribute("to", target.shortName)] }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    if let source = node.elementType(0), (source == .string) == (target == .string) {
      throw node.failure("it converts \(source) to \(target), of which one has to be string")
    }
    return [Fact(target, node.dimensions(0))]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.isRows(0) }
}

extension Op {
  package static func stringCast(_ target: ElementType) -> Op { Op(StringCast(target: target)) }
}
