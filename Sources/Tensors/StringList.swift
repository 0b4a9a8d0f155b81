/// Texts of any bytes, one behind the other.
public struct StringList: Sendable, Hashable {
  /// The bytes of all texts.
  public private(set) var bytes: [UInt8]
  /// The end of each text in ``bytes``.
  public private(set) var ends: [Int]

  /// An empty list.
  public init() { (bytes, ends) = ([], []) }

  /// A list of these texts.
  public init(_ texts: some Sequence<String>) {
    self.init()
    for text in texts {
      bytes.append(contentsOf: text.utf8)
      ends.append(bytes.count)
    }
  }

  /// A list of texts of these bytes.
  public init(bytesOf texts: some Sequence<some Sequence<UInt8>>) {
    self.init()
    for text in texts { append(text) }
  }

  /// An empty list with room for `texts` texts of `bytes` bytes together.
  init(capacity bytes: Int, _ texts: Int) {
    self.init()
    self.bytes.reserveCapacity(bytes)
    ends.reserveCapacity(texts)
  }

  /// The list with these parts; `nil` unless the ends ascend to the end of the bytes.
  package init?(bytes: [UInt8], ends: [Int]) {
    var last = 0
    for end in ends {
      guard end >= last else { return nil }
      last = end
    }
    guard last == bytes.count else { return nil }
    (self.bytes, self.ends) = (bytes, ends)
  }

  /// The number of texts.
  public var count: Int { ends.count }

  /// The bytes that the list takes in memory.
  public var byteCount: Int { bytes.count + ends.count * MemoryLayout<Int>.size }

  /// The places of a text's bytes in ``bytes``.
  func range(_ index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }

  /// The bytes of the text at `index`, which must be one of the list.
  public subscript(_ index: Int) -> ArraySlice<UInt8> { bytes[range(index)] }

  /// Calls `body` with the bytes of the text at `index`, which must be one of the list.
  @inline(__always)
  func withBytes<Result>(_ index: Int, _ body: (UnsafeBufferPointer<UInt8>) throws -> Result) rethrows
    -> Result
  {
    try bytes.withUnsafeBufferPointer { try body(UnsafeBufferPointer(rebasing: $0[range(index)])) }
  }

  /// Adds a text.
  public mutating func append(_ text: some Sequence<UInt8>) {
    bytes.append(contentsOf: text)
    ends.append(bytes.count)
  }

  /// The texts; bytes that are not UTF-8 are replaced.
  public var texts: [String] { ends.indices.map { String(decoding: self[$0], as: UTF8.self) } }
}

extension StringList: Codable {
  private enum Key: CodingKey { case bytes, ends }

  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    let (bytes, ends) = (
      try fields.decode([UInt8].self, forKey: .bytes), try fields.decode([Int].self, forKey: .ends)
    )
    guard let list = StringList(bytes: bytes, ends: ends) else {
      throw DecodingError.dataCorruptedError(
        forKey: .ends, in: fields, debugDescription: "a list of texts does not end with its bytes")
    }
    self = list
  }

  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(bytes, forKey: .bytes)
    try fields.encode(ends, forKey: .ends)
  }
}
