import Tensors

/// The index of each text in a list of distinct texts; their number for a text that is not among them.
///
/// With a table of values behind it, it is ONNX's `LabelEncoder` of texts.
package struct StringIndex: Operator {
  package static let name = "stringIndex"
  package static let signature = Signature(.data("x"))
  package static let family = OperatorFamily.movement

  package var vocabulary: StringList

  package static var coding: Coding<Self> { Coding(Self.init, \.vocabulary) }

  package var attributes: [PrintedAttribute] { [PrintedAttribute("texts", vocabulary.count)] }

  package var footprint: Int { vocabulary.byteCount }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    try node.checkStrings(0)
    return [Fact(.int64, node.dimensions(0))]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.isRows(0) }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(StringIndex(vocabulary: StringList()), operands: operands, results: results)
  }
}

extension Op {
  package static func stringIndex(_ vocabulary: StringList) -> Op { Op(StringIndex(vocabulary: vocabulary)) }
}
