extension JSONReader {
  /// Reads a string.
  /// - Throws: ``ProtocolError`` when it is none, or no valid UTF-8.
  public mutating func readString() throws(ProtocolError) -> String {
    let start = position
    let text = try readStringBytes()
    guard let string = String(validating: text, as: UTF8.self) else {
      position = start
      throw error("the string is not valid UTF-8")
    }
    return string
  }

  /// Reads a string as the bytes of its UTF-8, which are not checked.
  public mutating func readStringBytes() throws(ProtocolError) -> [UInt8] {
    skipSpace()
    guard take(UInt8(ascii: "\"")) else { throw error("a string was expected") }
    var result: [UInt8] = []
    while true {
      let run = position
      while position < bytes.count, JSONReader.isPlain(bytes[position]) { position &+= 1 }
      result.append(contentsOf: bytes[run..<position])
      guard let byte = current else { throw error("a string does not end") }
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return result
      case UInt8(ascii: "\\"): try readEscape(into: &result)
      default:
        position -= 1
        throw error("control characters in strings have to be escaped")
      }
    }
  }

  /// Passes over a string.
  mutating func skipString() throws(ProtocolError) {
    skipSpace()
    guard take(UInt8(ascii: "\"")) else { throw error("a string was expected") }
    var unused: [UInt8] = []
    while true {
      while position < bytes.count, JSONReader.isPlain(bytes[position]) { position &+= 1 }
      guard let byte = current else { throw error("a string does not end") }
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return
      case UInt8(ascii: "\\"):
        try readEscape(into: &unused)
        unused.removeAll(keepingCapacity: true)
      default:
        position -= 1
        throw error("control characters in strings have to be escaped")
      }
    }
  }

  @inline(__always)
  private static func isPlain(_ byte: UInt8) -> Bool {
    byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\") && byte >= 0x20
  }

  private mutating func readEscape(into result: inout [UInt8]) throws(ProtocolError) {
    guard let byte = current else { throw error("a string does not end") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): result.append(byte)
    case UInt8(ascii: "b"): result.append(0x08)
    case UInt8(ascii: "f"): result.append(0x0c)
    case UInt8(ascii: "n"): result.append(0x0a)
    case UInt8(ascii: "r"): result.append(0x0d)
    case UInt8(ascii: "t"): result.append(0x09)
    case UInt8(ascii: "u"):
      var code = UInt32(try readFourDigits())
      if (0xd800...0xdbff).contains(code) {
        guard take(word: "\\u") else { throw error("half of a surrogate pair is missing") }
        let low = UInt32(try readFourDigits())
        guard (0xdc00...0xdfff).contains(low) else { throw error("half of a surrogate pair is missing") }
        code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw error("half of a surrogate pair is missing") }
      result.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    default: throw error("unknown escape sequence")
    }
  }

  private mutating func readFourDigits() throws(ProtocolError) -> UInt16 {
    guard bytes.count - position >= 4 else { throw error("four hexadecimal digits were expected") }
    var value: UInt16 = 0
    for _ in 0..<4 {
      let byte = bytes[position]
      let digit: UInt8
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
      default: throw error("four hexadecimal digits were expected")
      }
      value = value << 4 | UInt16(digit)
      position += 1
    }
    return value
  }
}
