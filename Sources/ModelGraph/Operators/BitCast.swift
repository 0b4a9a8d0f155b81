import Tensors

/// ONNX `BitCast`: the same bits as elements of another type of the same width.
package struct BitCast: Operator {
  package static let name = "bitCast"
  package static let signature = Signature(.data("x"))
  package static let family = OperatorFamily.elementwise

  package var target: ElementType

  package static var coding: Coding<Self> { Coding(Self.init, \.target) }

  package var attributes: [PrintedAttribute] { [PrintedAttribute("to", target.shortName)] }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    guard let type = node.type(0) else { return [nil] }
    guard !type.elementType.isHandle, !target.isHandle else {
      throw node.failure("the elements of its operand or of its result have no bits of their own")
    }
    guard type.elementType.bitWidth == target.bitWidth else {
      throw node.failure("an element of type \(target) has another number of bits than its operand's")
    }
    return [Fact(target, type.dimensions)]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.isRows(0) }
}

extension Op {
  package static func bitCast(_ target: ElementType) -> Op { Op(BitCast(target: target)) }
}
