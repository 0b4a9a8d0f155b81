/// Writes a graph's parts one behind the other.
package struct GraphWriter {
  var bytes: [UInt8] = []
  /// The number of conditionals around the current position.
  private var depth = 0
  /// True if conditionals are nested more deeply than a reader follows.
  private(set) var isTooDeep = false

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Seven bits a byte, the least significant first; the sign in the lowest bit.
  mutating func write(_ integer: Int) {
    var rest = UInt(bitPattern: integer << 1 ^ integer >> (Int.bitWidth - 1))
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  mutating func write(_ text: String) {
    var text = text
    text.withUTF8 { utf8 in
      write(utf8.count)
      bytes.append(contentsOf: utf8)
    }
  }

  mutating func write<each Part: Packable>(_ parts: repeat each Part) {
    repeat (each parts).pack(into: &self)
  }

  /// Writes what is one conditional deeper, unless a reader would refuse to follow.
  mutating func nested(_ body: (inout GraphWriter) -> Void) {
    depth += 1
    defer { depth -= 1 }
    if depth > Graph.maximumDepth { isTooDeep = true } else { body(&self) }
  }
}

/// A value that can be written into the bytes of a graph, and read from them.
package protocol Packable {
  func pack(into writer: inout GraphWriter)
  /// - Throws: ``GraphError`` when the bytes are cut short or hold something else.
  init(unpacking reader: inout GraphReader) throws(GraphError)
}
