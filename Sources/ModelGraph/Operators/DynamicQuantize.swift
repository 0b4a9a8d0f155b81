import Tensors

/// ONNX `DynamicQuantizeLinear`: levels (`uint8`), and the scale (`float32`) and the zero point (`uint8`) that it finds for all
/// elements together.
package struct DynamicQuantize: Operator {
  package static let name = "quantize.dynamic"
  package static let signature = Signature(.data("x"), results: 1...3)
  package static let family = OperatorFamily.elementwise

  package static var coding: Coding<Self> { Coding(Self()) }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    if let type = node.elementType(0), type != .float32 { throw node.failure("it quantises \(type)") }
    let facts = [Fact(.uint8, node.dimensions(0)), Fact(.float32, []), Fact(.uint8, [])]
    return Array(facts.prefix(node.node.outputs.count))
  }
}

extension Op {
  package static var dynamicQuantize: Op { Op(DynamicQuantize()) }
}
