/// Takes the tensors' `raw_data` out of a serialised ONNX model without copying them.
///
/// The protobuf wire format (`https://protobuf.dev/programming-guides/encoding/`) nests messages by length, so a walk
/// over tags and lengths finds every `raw_data` field: in initialisers, attributes, subgraphs and functions. The result is the
/// same model with each of these fields replaced by its place in the file (`TensorProto.raw_range` of our `.proto`).
struct WireScanner {
  /// The maximum nesting of graphs.
  static let maximumGraphDepth = 16
  /// The maximum number of fields with a length of all walked messages together: a bound on the memory that decoding the
  /// rest can take. Numbers take at most four times their bytes in the file, as ``maximumRest`` bounds them.
  static let maximumLengths = 16_000_000
  /// The maximum size of a model without its `raw_data`, in bytes.
  static let maximumRest = 512 << 20

  /// Why the bytes cannot be walked.
  struct Failure: Error { var reason: String }

  enum Message {
    case model, function, graph, node, attribute, sparse, tensor

    /// The kind of the message in field `number`, when the walk goes into it.
    func child(_ number: UInt64) -> Message? {
      switch (self, number) {
      case (.model, 7), (.attribute, 6), (.attribute, 11): .graph
      case (.model, 25): .function
      case (.graph, 1), (.function, 7): .node
      case (.node, 5), (.function, 11): .attribute
      case (.graph, 15), (.attribute, 22): .sparse
      case (.graph, 5), (.attribute, 5), (.sparse, 1), (.sparse, 2): .tensor
      default: nil
      }
    }
  }

  let bytes: UnsafeRawBufferPointer
  /// The fields so far, and those of them with a length.
  private(set) var fields = 0
  private var lengths = 0

  /// The model in `bytes` without its `raw_data`.
  static func rest(of bytes: UnsafeRawBufferPointer) throws(Failure) -> [UInt8] {
    var scanner = WireScanner(bytes: bytes)
    var rest: [UInt8] = []
    try scanner.walk(.model, 0..<bytes.count, graphDepth: 0, into: &rest)
    return rest
  }

  init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// Recursion is bounded: each level is one of seven kinds, and graphs nest to ``maximumGraphDepth``.
  private mutating func walk(
    _ message: Message, _ range: Range<Int>, graphDepth: Int, into rest: inout [UInt8]
  ) throws(Failure) {
    let depth = message == .graph ? graphDepth + 1 : graphDepth
    guard depth <= Self.maximumGraphDepth else {
      throw Failure(reason: "its subgraphs nest deeper than \(Self.maximumGraphDepth)")
    }
    var cursor = range.lowerBound
    while true {
      let start = cursor
      guard let field = try nextField(&cursor, range.upperBound) else { return }
      guard lengths <= Self.maximumLengths, rest.count <= Self.maximumRest else {
        throw Failure(
          reason: "apart from raw tensor data it is larger than is supported (\(Self.maximumRest >> 20) MiB, "
            + "\(Self.maximumLengths) messages and texts); store its tensors as raw data or as external data")
      }
      if let payload = field.payload, let child = message.child(field.number) {
        var inner: [UInt8] = []
        try walk(child, payload, graphDepth: depth, into: &inner)
        Self.append(field.tag, to: &rest)
        Self.append(UInt64(inner.count), to: &rest)
        rest.append(contentsOf: inner)
      } else if message == .tensor, let payload = field.payload, field.number == 9 {
        Self.appendRange(payload, to: &rest)
      } else if message != .tensor || field.number != Self.rawRangeField {
        guard cursor - start <= Self.maximumRest else {
          throw damaged(at: start, "a field of \(cursor - start) bytes is larger than is supported")
        }
        rest.append(contentsOf: bytes[start..<cursor])
      }
    }
  }

  /// A field of a message.
  struct Field {
    var tag: UInt64
    /// The bytes of a field with a length; `nil` for numbers.
    var payload: Range<Int>?

    var number: UInt64 { tag >> 3 }
  }

  /// The field at `cursor`, which is moved behind it; `nil` at the end.
  mutating func nextField(_ cursor: inout Int, _ end: Int) throws(Failure) -> Field? {
    guard cursor < end else { return nil }
    fields += 1
    let start = cursor
    var field = Field(tag: try varint(&cursor, end), payload: nil)
    guard field.number > 0, field.number < 1 << 29 else {
      throw damaged(at: start, "no field has the number \(field.number)")
    }
    switch field.tag & 7 {
    case 0: _ = try varint(&cursor, end)
    case 1: try skip(8, &cursor, end)
    case 2:
      lengths += 1
      let count = try varint(&cursor, end)
      let begin = cursor
      try skip(count, &cursor, end)
      field.payload = begin..<cursor
    case 5: try skip(4, &cursor, end)
    default: throw damaged(at: start, "there is no field of wire type \(field.tag & 7)")
    }
    return field
  }

  private static let rawRangeField: UInt64 = 100_000

  /// `raw_range { offset, count }`, as the `.proto` declares it.
  private static func appendRange(_ range: Range<Int>, to rest: inout [UInt8]) {
    var place: [UInt8] = []
    append(1 << 3, to: &place)
    append(UInt64(range.lowerBound), to: &place)
    append(2 << 3, to: &place)
    append(UInt64(range.count), to: &place)
    append(rawRangeField << 3 | 2, to: &rest)
    append(UInt64(place.count), to: &rest)
    rest.append(contentsOf: place)
  }

  private static func append(_ varint: UInt64, to rest: inout [UInt8]) {
    var value = varint
    while value >= 0x80 {
      rest.append(UInt8(truncatingIfNeeded: value) | 0x80)
      value >>= 7
    }
    rest.append(UInt8(truncatingIfNeeded: value))
  }

  private func varint(_ cursor: inout Int, _ end: Int) throws(Failure) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    let start = cursor
    while cursor < end {
      let byte = bytes[cursor]
      cursor += 1
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
      shift += 7
      guard shift < 64 else { throw damaged(at: start, "a number is longer than 10 bytes") }
    }
    throw damaged(at: start, "it is cut short")
  }

  private func skip(_ count: UInt64, _ cursor: inout Int, _ end: Int) throws(Failure) {
    guard count <= UInt64(end - cursor) else {
      throw damaged(
        at: cursor, "\(count) bytes are announced where \(end - cursor) are left: it is cut short or damaged")
    }
    cursor += Int(count)
  }

  private func damaged(at offset: Int, _ detail: String) -> Failure {
    Failure(reason: "at byte \(offset), \(detail)")
  }
}
