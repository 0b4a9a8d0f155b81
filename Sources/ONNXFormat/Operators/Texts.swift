import ModelGraph
import Tensors

extension OperatorImport {
  /// Functions of texts.
  static let textOperators: [String: OperatorImport] = [
    "StringConcat": OperatorImport(2...2, since: 20) { try $0.emit(.stringConcat, $0.operands) },
    "RegexFullMatch": OperatorImport(1...1, since: 20) { node in
      try node.emit(.regexFullMatch(try node.pattern(try node.bytes("pattern") ?? [])), node.operands)
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
  /// Functions of texts that ONNX Runtime adds.
  static let microsoftTextOperators: [String: OperatorImport] = [
    "Tokenizer": OperatorImport(1...1) { node in
      guard let mark = try node.integer("mark"), let padding = try node.bytes("pad_value") else {
        throw node.malformed("lacks the attribute 'mark' or 'pad_value'")
      }
      let length = try node.integer("mincharnum", in: 1...NodeImport.largest)
      let (form, patterns) = try tokens(node)
      if form == .characters, length > 1 {
        throw node.malformed("has characters as tokens, and mincharnum \(length)")
      }
      try node.emit(
        .tokenizer(
          form, StringList(bytesOf: patterns), minimumLength: length, isMarked: mark != 0,
          padding: StringList(bytesOf: [padding])), node.operands)
    }
  ]

  /// The form of a tokenizer and its patterns. As in ONNX Runtime, an empty separator and the expression `.` stand for characters,
  /// and a tokenexp counts if there are no separators.
  private static func tokens(_ node: NodeImport) throws -> (Tokenizer.Form, [[UInt8]]) {
    let (separators, expression) = (try node.textBytes("separators"), try node.bytes("tokenexp"))
    if separators == [[]] { return (.characters, []) }
    if separators == nil, expression == Array(".".utf8) { return (.characters, []) }
    guard let patterns = separators ?? expression.flatMap({ $0.isEmpty ? nil : [$0] }) else {
      throw node.malformed("has neither separators nor a tokenexp")
    }
    guard patterns.count <= Tokenizer.maximumPatterns else {
      throw NodeImport.UnsupportedForm(reason: "\(patterns.count) separators")
    }
    for pattern in patterns { _ = try node.pattern(pattern) }
    return (separators == nil ? .matches : .separators, patterns)
  }
}

extension NodeImport {
  /// The text of a pattern that can be compiled.
  fileprivate func pattern(_ bytes: [UInt8]) throws -> String {
    guard let pattern = String(validating: bytes, as: UTF8.self) else {
      throw UnsupportedForm(reason: "a pattern that is not UTF-8")
    }
    do { _ = try RegularExpression(pattern) } catch {
      throw UnsupportedForm(reason: "pattern '\(shown(pattern))': \(error.reason)")
    }
    return pattern
  }
}
