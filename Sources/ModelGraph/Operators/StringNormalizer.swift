import Tensors

/// ONNX `StringNormalizer`: a list of texts, or a table of one row of them, without the stop words, in upper or lower case.
package struct StringNormalizer: Operator {
  package static let name = "stringNormalizer"
  package static let signature = Signature(.data("x"))
  package static let family = OperatorFamily.elementwise
  package static let resultSizesDependOnData = true

  /// A change of case.
  package enum CaseChange: String, Sendable, Codable, Packable { case none, lower, upper }

  package var change: CaseChange
  /// False if stop words are compared without regard to case.
  package var isCaseSensitive: Bool
  package var stopWords: StringList

  package static var coding: Coding<Self> { Coding(Self.init, \.change, \.isCaseSensitive, \.stopWords) }

  package var attributes: [PrintedAttribute] {
    (change == .none ? [] : [PrintedAttribute("case", change.rawValue)])
      + (stopWords.count == 0 ? [] : [PrintedAttribute("stopWords", stopWords.count)])
  }

  package var footprint: Int { stopWords.byteCount }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    try node.checkStrings(0)
    guard let dimensions = node.dimensions(0) else { return [Fact(.string, nil)] }
    guard dimensions.count == 1 || dimensions.count == 2 && dimensions[0].unified(with: .known(1)) != nil
    else {
      throw node.failure("its operand is neither a list nor a table of one row")
    }
    return [Fact(.string, dimensions.count == 1 ? [.unknown] : [.known(1), .unknown])]
  }
}

extension Op {
  package static func stringNormalizer(
    _ change: StringNormalizer.CaseChange, isCaseSensitive: Bool, stopWords: StringList
  ) -> Op {
    Op(StringNormalizer(change: change, isCaseSensitive: isCaseSensitive, stopWords: stopWords))
  }
}
