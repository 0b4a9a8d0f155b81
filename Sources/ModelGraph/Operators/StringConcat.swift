import Tensors

/// ONNX `StringConcat`: each text of the first operand before one of the second, which broadcast to each other.
package struct StringConcat: Operator {
  package static let name = "stringConcat"
  package static let signature = Signature(.data("x"), .data("y"))
  package static let family = OperatorFamily.elementwise

  package static var coding: Coding<Self> { Coding(Self()) }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    [Fact(.string, try node.ofStrings())]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.broadcasts(0) && rows.broadcasts(1) }
}

extension Op {
  package static var stringConcat: Op { Op(StringConcat()) }
}

extension NodeTyping {
  /// The shape that two operands of texts broadcast to.
  func ofStrings() throws(GraphError) -> [Dimension]? {
    for index in 0...1 { try checkStrings(index) }
    return try broadcast(dimensions(0), dimensions(1))
  }

  /// Checks that an operand has texts.
  func checkStrings(_ index: Int) throws(GraphError) {
    if let type = elementType(index), type != .string {
      throw failure("its operand \(index) is \(type), not string")
    }
  }
}
