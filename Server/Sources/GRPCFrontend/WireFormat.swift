import SwiftProtobuf

/// Protocol Buffers' wire format ("Encoding" in its documentation), as far as it takes to leave tensors where they lie.
struct WireReader {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// One field: its number, the range of all its bytes, and the range of its contents when they are delimited.
  struct Field {
    var number: UInt64
    var whole: Range<Int>
    var contents: Range<Int>?
  }

  /// The next field; `nil` at the end.
  /// - Throws: ``WireError`` when the bytes are no fields.
  mutating func next() throws -> Field? {
    let start = position
    guard position < bytes.count else { return nil }
    let tag = try varint()
    var contents: Range<Int>?
    switch tag & 7 {
    case 0: _ = try varint()
    case 1: try skip(8)
    case 2:
      let length = try varint()
      let first = position
      try skip(length)
      contents = first..<position
    case 5: try skip(4)
    // Groups, which no message here has, and what is no wire type at all.
    default: throw WireError()
    }
    return Field(number: tag >> 3, whole: start..<position, contents: contents)
  }

  private mutating func varint() throws -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard position < bytes.count else { throw WireError() }
      let byte = bytes[position]
      position += 1
      if shift < 64 { value |= UInt64(byte & 0x7f) << shift }
      if byte & 0x80 == 0 { return value }
    }
    throw WireError()
  }

  private mutating func skip(_ count: UInt64) throws {
    guard count <= UInt64(bytes.count - position) else { throw WireError() }
    position += Int(count)
  }
}

/// Bytes that are no message.
struct WireError: Error {}

extension [UInt8] {
  /// Appends a field's tag and the length of its contents, which are to follow.
  mutating func appendDelimited(field: UInt64, byteCount: Int) {
    appendVarint(field << 3 | 2)
    appendVarint(UInt64(byteCount))
  }

  private mutating func appendVarint(_ value: UInt64) {
    var value = value
    while value >= 0x80 {
      append(UInt8(truncatingIfNeeded: value) | 0x80)
      value >>= 7
    }
    append(UInt8(value))
  }
}
