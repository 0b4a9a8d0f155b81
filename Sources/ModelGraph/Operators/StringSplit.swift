import Tensors

/// ONNX `StringSplit`: the parts of each text along a new last axis, filled up with empty texts, and the number of parts of each.
package struct StringSplit: Operator {
  package static let name = "stringSplit"
  package static let signature = Signature(.data("x"), results: 1...2)
  package static let family = OperatorFamily.movement
  package static let resultSizesDependOnData = true

  /// The text between parts; empty for runs of white space, of which those at the ends do not count.
  package var delimiter: StringList
  /// The most splits; `nil` for any number.
  package var limit: Int?

  package static var coding: Coding<Self> { Coding(Self.init, \.delimiter, \.limit) }

  package var attributes: [PrintedAttribute] { limit.map { [PrintedAttribute("limit", $0)] } ?? [] }

  package var footprint: Int { delimiter.byteCount }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    try node.checkStrings(0)
    let dimensions = node.dimensions(0)
    let facts = [Fact(.string, dimensions.map { $0 + [.unknown] }), Fact(.int64, dimensions)]
    return Array(facts.prefix(node.node.outputs.count))
  }
}

extension Op {
  package static func stringSplit(delimiter: StringList, limit: Int?) -> Op {
    Op(StringSplit(delimiter: delimiter, limit: limit))
  }
}
