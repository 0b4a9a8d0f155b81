/// Reads JSON (RFC 8259) from bytes, value by value, without making a tree of it.
///
/// Nothing in the bytes traps or grows a stack: nesting is bounded, every position is checked. `NaN`, `Infinity` and
/// `-Infinity` are numbers, as Triton and its clients have them. Valid only while the bytes are.
public struct JSONReader {
  /// The kind of a value, by its first character.
  public enum Kind: Sendable, Hashable { case object, array, string, number, bool, null }

  /// Values may be nested this deep.
  public static let maximumDepth = 64

  let bytes: UnsafeRawBufferPointer
  /// The offset of the next byte.
  public internal(set) var position: Int
  private var depth = 0
  /// The account of tensors' bytes made of the text; `nil` if they are not counted.
  public var held: HeldBytes?

  public init(_ bytes: UnsafeRawBufferPointer, from position: Int = 0) {
    self.bytes = bytes
    self.position = min(max(position, 0), bytes.count)
  }

  func error(_ message: String) -> ProtocolError { ProtocolError("JSON at byte \(position): \(message)") }

  // MARK: Bytes

  @inline(__always)
  var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  @inline(__always)
  mutating func skipSpace() {
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): position &+= 1
      default: return
      }
    }
  }

  /// Takes `byte` if it is next.
  @inline(__always)
  mutating func take(_ byte: UInt8) -> Bool {
    guard current == byte else { return false }
    position &+= 1
    return true
  }

  mutating func take(word: StaticString) -> Bool {
    let count = word.utf8CodeUnitCount
    guard bytes.count - position >= count else { return false }
    for index in 0..<count where bytes[position + index] != word.utf8Start[index] { return false }
    position += count
    return true
  }

  // MARK: Values

  /// Returns the kind of the next value.
  public mutating func kind() throws(ProtocolError) -> Kind {
    skipSpace()
    switch current {
    case UInt8(ascii: "{"): return .object
    case UInt8(ascii: "["): return .array
    case UInt8(ascii: "\""): return .string
    case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
    case UInt8(ascii: "n"): return .null
    case .some(UInt8(ascii: "0")...UInt8(ascii: "9")), UInt8(ascii: "-"), UInt8(ascii: "N"),
      UInt8(ascii: "I"):
      return .number
    case nil: throw error("a value is missing")
    default: throw error("a value cannot begin like this")
    }
  }

  /// Reads an object; `body` gets each member's name and has to read its value.
  public mutating func readObject(
    _ body: (inout JSONReader, String) throws -> Void
  ) throws {
    skipSpace()
    guard take(UInt8(ascii: "{")) else { throw error("an object was expected") }
    try enter()
    skipSpace()
    if !take(UInt8(ascii: "}")) {
      repeat {
        let name = try readString()
        skipSpace()
        guard take(UInt8(ascii: ":")) else { throw error("':' was expected") }
        try body(&self, name)
        skipSpace()
      } while take(UInt8(ascii: ","))
      guard take(UInt8(ascii: "}")) else { throw error("',' or '}' was expected") }
    }
    depth -= 1
  }

  /// Reads an array; `body` has to read each element.
  public mutating func readArray(_ body: (inout JSONReader) throws -> Void) throws {
    skipSpace()
    guard take(UInt8(ascii: "[")) else { throw error("an array was expected") }
    try enter()
    skipSpace()
    if !take(UInt8(ascii: "]")) {
      repeat {
        try body(&self)
        skipSpace()
      } while take(UInt8(ascii: ","))
      guard take(UInt8(ascii: "]")) else { throw error("',' or ']' was expected") }
    }
    depth -= 1
  }

  private mutating func enter() throws(ProtocolError) {
    depth += 1
    guard depth <= JSONReader.maximumDepth else {
      throw error("values are nested deeper than \(JSONReader.maximumDepth)")
    }
  }

  public mutating func readBool() throws(ProtocolError) -> Bool {
    skipSpace()
    if take(word: "true") { return true }
    if take(word: "false") { return false }
    throw error("true or false was expected")
  }

  public mutating func readNull() throws(ProtocolError) {
    skipSpace()
    guard take(word: "null") else { throw error("null was expected") }
  }

  /// Checks the next value and passes over it.
  public mutating func skipValue() throws {
    switch try kind() {
    case .object: try readObject { reader, _ in try reader.skipValue() }
    case .array: try readArray { reader in try reader.skipValue() }
    case .string: try skipString()
    case .number: _ = try readNumber()
    case .bool: _ = try readBool()
    case .null: try readNull()
    }
  }

  /// - Throws: ``ProtocolError`` when anything but space follows.
  public mutating func finish() throws(ProtocolError) {
    skipSpace()
    guard position == bytes.count else { throw error("nothing may follow the value") }
  }
}
