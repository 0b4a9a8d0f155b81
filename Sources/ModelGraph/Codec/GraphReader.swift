/// Reads what ``GraphWriter`` wrote. The bytes are not trusted: every step checks that they are there, and nothing is
/// allocated for more elements than there are bytes left.
package struct GraphReader {
  private let bytes: [UInt8]
  private var position = 0
  /// The number of conditionals around the current position.
  private(set) var depth = 0

  /// Called with the bytes that what was read keeps, some kilobytes at a time; reading ends when it throws.
  private let grow: (Int) throws -> Void
  /// Bytes that `grow` has not been told of.
  private var grown = 0
  private static let growth = 64 << 10

  init(_ bytes: [UInt8], growing grow: @escaping (Int) throws -> Void = { _ in }) {
    self.bytes = bytes
    self.grow = grow
  }

  /// Counts what was read.
  mutating func count(_ bytes: Int) throws(GraphError) {
    grown += bytes
    guard grown >= Self.growth else { return }
    do { try grow(grown) } catch { throw failure("it was refused: \(error)") }
    grown = 0
  }

  func failure(_ detail: String) -> GraphError { GraphError(.malformed(offset: position, detail: detail)) }

  /// True once everything has been read.
  var isAtEnd: Bool { position == bytes.count }

  mutating func read<Part: Packable>(_ type: Part.Type = Part.self) throws(GraphError) -> Part {
    try Part(unpacking: &self)
  }

  mutating func byte() throws(GraphError) -> UInt8 {
    guard position < bytes.count else { throw failure("it is cut short") }
    defer { position += 1 }
    return bytes[position]
  }

  mutating func integer() throws(GraphError) -> Int {
    var value: UInt = 0
    var shift: UInt = 0
    while true {
      let next = try byte()
      // The tenth byte has room for one bit.
      guard shift < 63 || next <= 1 else { throw failure("a number has too many digits") }
      value |= UInt(next & 0x7f) << shift
      if next & 0x80 == 0 { break }
      shift += 7
    }
    return Int(bitPattern: value >> 1) ^ -Int(bitPattern: value & 1)
  }

  /// A number of things that follow, each of at least one byte.
  mutating func count() throws(GraphError) -> Int {
    let count = try integer()
    guard 0...bytes.count - position ~= count else { throw failure("a list is longer than what is left") }
    return count
  }

  /// As many bytes as the number before them says.
  mutating func block() throws(GraphError) -> ArraySlice<UInt8> {
    let count = try count()
    defer { position += count }
    return bytes[position..<position + count]
  }

  mutating func text() throws(GraphError) -> String {
    guard let text = String(validating: try block(), as: UTF8.self) else {
      throw failure("a name is not UTF-8")
    }
    return text
  }

  /// Reads what is one conditional deeper.
  mutating func nested<Part>(_ body: (inout GraphReader) throws(GraphError) -> Part) throws(GraphError)
    -> Part
  {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Graph.maximumDepth else {
      throw failure("more than \(Graph.maximumDepth) conditionals are nested")
    }
    return try body(&self)
  }
}
