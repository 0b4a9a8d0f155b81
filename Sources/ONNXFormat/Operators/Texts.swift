import ModelGraph
import Tensors

extension OperatorImport {
  /// Functions of texts.
  static let textOperators: [String: OperatorImport] = [
    "StringConcat": OperatorImport(2...2, since: 20) { try $0.emit(.stringConcat, $0.operands) },
    "RegexFullMatch": OperatorImport(1...1, since: 20) { node in
      guard let pattern = String(validating: try node.bytes("pattern") ?? [], as: UTF8.self) else {
        throw NodeImport.UnsupportedForm(reason: "a pattern that is not UTF-8")
      }
      do { _ = try RegularExpression(pattern) } catch let error as RegularExpression.Fault {
        throw NodeImport.UnsupportedForm(reason: "pattern '\(shown(pattern))': \(error.reason)")
      }
      try node.emit(.regexFullMatch(pattern), node.operands)
    },
    "StringNormalizer": OperatorImport(1...1, since: 10) { node in
      let change = try node.choice(
        "case_change_action", default: "NONE",
        ["NONE": StringNormalizer.CaseChange.none, "LOWER": .lower, "UPPER": .upper])
      // Letters change case as Unicode maps them, in every locale.
      node.ignore("locale")
      try node.emit(
        .stringNormalizer(
          change, isCaseSensitive: try node.flag("is_case_sensitive"),
          stopWords: StringList(bytesOf: try node.textBytes("stopwords") ?? [])), node.operands)
    },
    "StringSplit": OperatorImport(1...1, since: 20) { node in
      let limit = try node.integer("maxsplit")
      if let limit, limit < 0 { throw node.malformed("has \(limit) for 'maxsplit'") }
      try node.emit(
        .stringSplit(delimiter: StringList(bytesOf: [try node.bytes("delimiter") ?? []]), limit: limit),
        node.operands)
    },
  ]
}
