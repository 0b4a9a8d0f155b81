/// A message in Protocol Buffers' text format (`https://protobuf.dev/reference/protobuf/textformat-spec/`), as it is
/// written: fields by name, in their order, of whatever message. Bounded in size, depth and number of fields.
///
/// Fields are kept by name and not decoded into one message's type, so that those that are not known can be named.
public struct TextFormat: Sendable, Hashable {
  /// One field, or one element of a field that is a list.
  public struct Field: Sendable, Hashable {
    public var name: String
    public var value: Value
    /// From 1.
    public var line: Int
  }

  public enum Value: Sendable, Hashable {
    /// A text, its escapes resolved.
    case text(String)
    /// A number or the name of an enumeration's value, as it is written.
    case word(String)
    case message(TextFormat)
  }

  /// The reason why a text is no message.
  public struct Problem: Error, Sendable, Hashable, CustomStringConvertible {
    public let line: Int
    public let reason: String

    public var description: String { "line \(line): \(reason)" }
  }

  public var fields: [Field] = []

  /// The deepest nesting of messages.
  public static let maxDepth = 32
  /// The most fields, elements of lists each one.
  public static let maxFields = 10_000

  /// Reads the message that `text` is.
  public init(parsing text: String) throws(Problem) {
    var reader = TextFormatReader(text)
    self = try reader.message(until: nil, depth: 0)
  }

  init(fields: [Field]) { self.fields = fields }

  /// The fields of a name.
  public subscript(_ name: String) -> [Value] { fields.filter { $0.name == name }.map(\.value) }

  /// Returns the whole number that a word is: decimal, octal behind `0`, or hexadecimal behind `0x`; `nil` for other words and for
  /// numbers that do not fit.
  static func integer(_ word: String) -> Int? {
    let sign = word.first.flatMap { $0 == "-" || $0 == "+" ? "\($0)" : nil } ?? ""
    var digits = word.dropFirst(sign.count)
    var radix = 10
    if digits.hasPrefix("0x") || digits.hasPrefix("0X") {
      radix = 16
      digits = digits.dropFirst(2)
    } else if digits.hasPrefix("0") {
      radix = 8
    }
    // A second sign is none of the digits.
    guard digits.first?.isHexDigit == true else { return nil }
    return Int(sign + digits, radix: radix)
  }
}

/// Reads a message's text once, from its start to its end.
private struct TextFormatReader {
  private let bytes: [UInt8]
  private var cursor = 0
  private var line = 1
  private var count = 0

  init(_ text: String) { bytes = Array(text.utf8) }

  private func problem(_ reason: String) -> TextFormat.Problem {
    TextFormat.Problem(line: line, reason: reason)
  }

  private var next: UInt8? { cursor < bytes.count ? bytes[cursor] : nil }

  /// Skips spaces, line ends and comments.
  private mutating func skipSpace() {
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\n"): line += 1
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), 0x0B, 0x0C: break
      case UInt8(ascii: "#"):
        while next != nil, next != UInt8(ascii: "\n") { cursor += 1 }
        continue
      default: return
      }
      cursor += 1
    }
  }

  private mutating func take(_ character: Character) -> Bool {
    skipSpace()
    guard let byte = next, byte == character.asciiValue else { return false }
    cursor += 1
    return true
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "+"),
      UInt8(ascii: "-"):
      true
    default: false
    }
  }

  private mutating func word() -> String {
    skipSpace()
    let start = cursor
    while let byte = next, TextFormatReader.isWord(byte) { cursor += 1 }
    return String(decoding: bytes[start..<cursor], as: UTF8.self)
  }

  /// Recursion is bounded by `TextFormat.maxDepth`.
  mutating func message(until end: Character?, depth: Int) throws(TextFormat.Problem) -> TextFormat {
    guard depth <= TextFormat.maxDepth else {
      throw problem("messages are nested deeper than \(TextFormat.maxDepth) levels")
    }
    var fields: [TextFormat.Field] = []
    while true {
      skipSpace()
      if let end, take(end) { return TextFormat(fields: fields) }
      if next == nil {
        guard end == nil else { throw problem("a message is not closed") }
        return TextFormat(fields: fields)
      }
      let start = line
      let name = try fieldName()
      let isColon = take(":")
      skipSpace()
      if take("[") {
        try list(name, start, depth, &fields)
      } else {
        fields.append(.init(name: name, value: try value(isColon, depth), line: start))
      }
      count += 1
      guard count <= TextFormat.maxFields else {
        throw problem("there are more than \(TextFormat.maxFields) fields")
      }
      if !take(",") { _ = take(";") }
    }
  }

  private mutating func fieldName() throws(TextFormat.Problem) -> String {
    if take("[") {
      let start = cursor
      while let byte = next, byte != UInt8(ascii: "]"), byte != UInt8(ascii: "\n") { cursor += 1 }
      let name = String(decoding: bytes[start..<cursor], as: UTF8.self)
      guard take("]") else { throw problem("an extension's name is not closed") }
      return "[\(name)]"
    }
    let name = word()
    guard !name.isEmpty else { throw problem("a field's name was expected") }
    return name
  }

  private mutating func list(
    _ name: String, _ start: Int, _ depth: Int, _ fields: inout [TextFormat.Field]
  ) throws(TextFormat.Problem) {
    if take("]") { return }
    repeat {
      fields.append(.init(name: name, value: try value(true, depth), line: start))
      count += 1
      guard count <= TextFormat.maxFields else {
        throw problem("there are more than \(TextFormat.maxFields) fields")
      }
    } while take(",")
    guard take("]") else { throw problem("a list is not closed") }
  }

  private mutating func value(_ isScalarAllowed: Bool, _ depth: Int) throws(TextFormat.Problem)
    -> TextFormat.Value
  {
    if take("{") { return .message(try message(until: "}", depth: depth + 1)) }
    if take("<") { return .message(try message(until: ">", depth: depth + 1)) }
    guard isScalarAllowed else { throw problem("':' or '{' was expected") }
    skipSpace()
    if next == UInt8(ascii: "\"") || next == UInt8(ascii: "'") { return .text(try text()) }
    let isNegative = take("-")
    let word = word()
    guard !word.isEmpty else { throw problem("a value was expected") }
    return .word(isNegative ? "-" + word : word)
  }

  /// A text: pieces in quotation marks that follow one another are one.
  private mutating func text() throws(TextFormat.Problem) -> String {
    var result: [UInt8] = []
    while let quote = next, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
      cursor += 1
      while true {
        guard let byte = next, byte != UInt8(ascii: "\n") else { throw problem("a text is not closed") }
        cursor += 1
        if byte == quote { break }
        if byte == UInt8(ascii: "\\") { try escape(&result) } else { result.append(byte) }
      }
      skipSpace()
    }
    guard let text = String(validating: result, as: UTF8.self) else {
      throw problem("a text is not in UTF-8")
    }
    return text
  }

  private mutating func escape(_ result: inout [UInt8]) throws(TextFormat.Problem) {
    guard let byte = next else { throw problem("a text is not closed") }
    cursor += 1
    let simple: [UInt8: UInt8] = [
      UInt8(ascii: "n"): 10, UInt8(ascii: "r"): 13, UInt8(ascii: "t"): 9, UInt8(ascii: "a"): 7,
      UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12, UInt8(ascii: "v"): 11, UInt8(ascii: "\\"): 92,
      UInt8(ascii: "'"): 39, UInt8(ascii: "\""): 34, UInt8(ascii: "?"): 63,
    ]
    switch byte {
    case UInt8(ascii: "x"), UInt8(ascii: "X"): result.append(try number(UInt8.self, 2, radix: 16))
    case UInt8(ascii: "0")...UInt8(ascii: "7"):
      cursor -= 1
      result.append(try number(UInt8.self, 3, radix: 8))
    case UInt8(ascii: "u"), UInt8(ascii: "U"):
      let value = try number(UInt32.self, byte == UInt8(ascii: "u") ? 4 : 8, radix: 16)
      guard let scalar = Unicode.Scalar(value) else { throw problem("an escape names no character") }
      result += Array(String(Character(scalar)).utf8)
    default:
      guard let value = simple[byte] else { throw problem("an escape is not known") }
      result.append(value)
    }
  }

  private mutating func number<Number: FixedWidthInteger>(
    _ type: Number.Type, _ digits: Int, radix: Int
  ) throws(TextFormat.Problem) -> Number {
    let start = cursor
    while cursor - start < digits, let byte = next,
      Character(Unicode.Scalar(byte)).hexDigitValue.map({ $0 < radix }) == true
    {
      cursor += 1
    }
    let text = String(decoding: bytes[start..<cursor], as: UTF8.self)
    guard let value = Number(text, radix: radix) else { throw problem("an escape is not known") }
    return value
  }
}
