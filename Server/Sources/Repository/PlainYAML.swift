import CYaml
import Yams

/// YAML without anchors and aliases, bounded in size, depth and number of values, so that a small file stays small.
///
/// The bounds are checked on the parser's events, before any value is made: the parser itself needs no stack, and knows
/// every form of an anchor, a comment, a quotation and a line break that a search in the text would have to guess.
public enum PlainYAML {
  /// The reason why a text is refused.
  public struct Problem: Error, Sendable, Hashable, CustomStringConvertible {
    /// The line, from 1.
    public let line: Int?
    public let reason: String

    public var description: String { (line.map { "line \($0): " } ?? "") + reason }
  }

  /// The deepest nesting of lists and mappings: what the decoder's stack has room for on any thread.
  public static let maxDepth = 1000
  /// The most values, each name and number one.
  public static let maxValues = 20_000

  /// The document in `text`; `nil` when there is none.
  /// - Throws: ``Problem``, or what `Yams` says about the document.
  public static func compose(_ text: String) throws -> Node? {
    try check(text)
    return try Yams.compose(yaml: text)
  }

  /// Refuses a text that decoding could make more of than its size suggests.
  /// - Throws: ``Problem``. Text that is no YAML is left to the decoder, which has the same parser and fails at the same place.
  public static func check(_ text: String) throws(Problem) {
    var parser = yaml_parser_t()
    guard yaml_parser_initialize(&parser) == 1 else {
      throw Problem(line: nil, reason: "there is no memory to read it")
    }
    defer { yaml_parser_delete(&parser) }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING)
    var bytes = Array(text.utf8)
    let problem = bytes.withUnsafeMutableBufferPointer { buffer -> Problem? in
      yaml_parser_set_input_string(&parser, buffer.baseAddress, buffer.count)
      return firstProblem(&parser)
    }
    if let problem { throw problem }
  }

  private static func firstProblem(_ parser: inout yaml_parser_t) -> Problem? {
    var depth = 0
    var values = 0
    while true {
      var event = yaml_event_t()
      guard yaml_parser_parse(&parser, &event) == 1 else { return nil }
      defer { yaml_event_delete(&event) }
      let line = Int(clamping: event.start_mark.line) + 1
      let anchor: UnsafeMutablePointer<yaml_char_t>?
      switch event.type {
      case YAML_STREAM_END_EVENT, YAML_NO_EVENT: return nil
      case YAML_ALIAS_EVENT: anchor = event.data.alias.anchor
      case YAML_SCALAR_EVENT: anchor = event.data.scalar.anchor
      case YAML_SEQUENCE_START_EVENT:
        anchor = event.data.sequence_start.anchor
        depth += 1
      case YAML_MAPPING_START_EVENT:
        anchor = event.data.mapping_start.anchor
        depth += 1
      case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
        depth -= 1
        continue
      default: continue
      }
      values += 1
      if anchor != nil { return Problem(line: line, reason: "anchors (&) and aliases (*) are not allowed") }
      if depth > maxDepth {
        return Problem(line: line, reason: "it is nested deeper than \(maxDepth) levels")
      }
      if values > maxValues { return Problem(line: line, reason: "it has more than \(maxValues) values") }
    }
  }
}
