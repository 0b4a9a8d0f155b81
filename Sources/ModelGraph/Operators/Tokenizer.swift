import Tensors

/// `com.microsoft.Tokenizer`: the tokens of each text along a new last axis, filled up with a text.
/// `https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.Tokenizer`
package struct Tokenizer: Operator {
  package static let name = "tokenizer"
  package static let signature = Signature(.data("x"))
  package static let family = OperatorFamily.movement
  package static let resultSizesDependOnData = true

  /// The meaning of the patterns.
  package enum Form: String, Sendable, Codable, Packable {
    /// Each character is a token; there are no patterns.
    case characters
    /// Tokens are the longest matches of the one pattern, from left to right.
    case matches
    /// Tokens are the parts between matches. Each pattern splits the parts that those before it leave.
    case separators
  }

  package var form: Form
  /// Regular expressions in the syntax of RE2.
  package var patterns: StringList
  /// Shorter tokens are left out, by characters; at least 1.
  package var minimumLength: Int
  /// True if the characters U+0002 and U+0003 stand before and behind the tokens of each text.
  package var isMarked: Bool
  /// One text, which fills up the tokens of a text that has fewer than another.
  package var padding: StringList

  /// The most patterns: a bound on the memory of a call.
  package static let maximumPatterns = 64

  package static var coding: Coding<Self> {
    Coding(Self.init, \.form, \.patterns, \.minimumLength, \.isMarked, \.padding)
  }

  package var attributes: [PrintedAttribute] {
    [PrintedAttribute("form", form.rawValue)]
      + (minimumLength == 1 ? [] : [PrintedAttribute("minimumLength", minimumLength)])
      + (isMarked ? [PrintedAttribute("marked", true)] : [])
  }

  package var footprint: Int { patterns.byteCount + padding.byteCount }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    try node.checkStrings(0)
    guard let dimensions = node.dimensions(0) else { return [Fact(.string, nil)] }
    guard 1...2 ~= dimensions.count else { throw node.failure("its operand is neither a list nor a table") }
    return [Fact(.string, dimensions + [.unknown])]
  }
}

extension Op {
  package static func tokenizer(
    _ form: Tokenizer.Form, _ patterns: StringList, minimumLength: Int, isMarked: Bool, padding: StringList
  ) -> Op {
    Op(
      Tokenizer(
        form: form, patterns: patterns, minimumLength: minimumLength, isMarked: isMarked, padding: padding))
  }
}
