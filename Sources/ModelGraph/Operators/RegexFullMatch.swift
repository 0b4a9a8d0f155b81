import Tensors

/// ONNX `RegexFullMatch`: true for each text that the whole of matches a pattern in the syntax of RE2.
package struct RegexFullMatch: Operator {
  package static let name = "regexFullMatch"
  package static let signature = Signature(.data("x"))
  package static let family = OperatorFamily.elementwise

  package var pattern: String

  package static var coding: Coding<Self> { Coding(Self.init, \.pattern) }

  package var attributes: [PrintedAttribute] { [PrintedAttribute("pattern", pattern)] }

  package var footprint: Int { pattern.utf8.count }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    try node.checkStrings(0)
    return [Fact(.bool, node.dimensions(0))]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.isRows(0) }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(RegexFullMatch(pattern: ""), operands: operands, results: results)
  }
}

extension Op {
  package static func regexFullMatch(_ pattern: String) -> Op { Op(RegexFullMatch(pattern: pattern)) }
}
