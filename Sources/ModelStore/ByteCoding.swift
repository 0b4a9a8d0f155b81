/// Writes integers (little-endian), texts and byte strings one after the other.
struct ByteEncoder {
  private(set) var bytes: [UInt8] = []

  mutating func append(_ value: UInt64) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// - Parameter value: not negative.
  mutating func append(_ value: Int) { append(UInt64(value)) }

  mutating func append(_ value: [UInt8]) {
    append(value.count)
    bytes.append(contentsOf: value)
  }

  mutating func append(_ text: String) { append(Array(text.utf8)) }

  mutating func append(_ hash: ContentHash) { bytes.append(contentsOf: hash.bytes) }
}

/// Reads what ``ByteEncoder`` wrote. The bytes may be anything: what does not fit throws.
struct ByteDecoder {
  /// Why bytes could not be read.
  struct Malformed: Error {
    var reason: String
  }

  private var rest: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) { rest = bytes[...] }

  var isAtEnd: Bool { rest.isEmpty }

  private mutating func take(_ count: Int) throws -> ArraySlice<UInt8> {
    guard count >= 0, count <= rest.count else { throw Malformed(reason: "it ends too early") }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }

  mutating func integer() throws -> UInt64 {
    try take(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  mutating func count() throws -> Int {
    guard let value = Int(exactly: try integer()) else {
      throw Malformed(reason: "a number is out of bounds")
    }
    return value
  }

  /// The number of elements that follow, each of which takes `minimumBytes` at least.
  mutating func elementCount(minimumBytes: Int) throws -> Int {
    let value = try count()
    guard value <= rest.count / minimumBytes else {
      throw Malformed(reason: "a list is longer than the file")
    }
    return value
  }

  mutating func byteString() throws -> [UInt8] { Array(try take(try count())) }

  mutating func text() throws -> String {
    guard let text = String(validating: try byteString(), as: UTF8.self) else {
      throw Malformed(reason: "a text is not UTF-8")
    }
    return text
  }

  mutating func hash() throws -> ContentHash {
    guard let hash = ContentHash(bytes: try take(ContentHash.byteCount)) else {
      throw Malformed(reason: "it ends too early")
    }
    return hash
  }
}
