extension ONNXModel {
  /// The external data files that the model at `path` names, as relative paths, each once, in the order of their first
  /// use. Bounded in time and memory; of a file that is damaged or larger than that, those found until then.
  ///
  /// Whoever watches a model watches these too: their bytes are the model's.
  public static func externalLocations(of path: String) -> [String] {
    guard let file = try? MappedFile(path) else { return [] }
    return withExtendedLifetime(file) { WireScanner.externalLocations(in: file.bytes) }
  }
}

extension WireScanner {
  /// The most locations that are found.
  static let maximumLocations = 1000
  /// The most fields that are looked at for them.
  private static let maximumLocationFields = 4_000_000

  /// The locations of external data in a serialised model.
  static func externalLocations(in bytes: UnsafeRawBufferPointer) -> [String] {
    var scanner = WireScanner(bytes: bytes)
    var locations: [String] = []
    try? scanner.findLocations(.model, 0..<bytes.count, graphDepth: 0, into: &locations)
    return locations
  }

  /// Recursion is bounded as in ``rest(of:)``.
  private mutating func findLocations(
    _ message: Message, _ range: Range<Int>, graphDepth: Int, into locations: inout [String]
  ) throws(Failure) {
    let depth = message == .graph ? graphDepth + 1 : graphDepth
    var cursor = range.lowerBound
    while let field = try nextField(&cursor, range.upperBound) {
      guard depth <= Self.maximumGraphDepth, fields <= Self.maximumLocationFields,
        locations.count < Self.maximumLocations
      else { throw Failure(reason: "it is larger than is looked at") }
      guard let payload = field.payload else { continue }
      if let child = message.child(field.number) {
        try findLocations(child, payload, graphDepth: depth, into: &locations)
      } else if message == .tensor, field.number == 13, let location = try location(in: payload),
        !locations.contains(location)
      {
        locations.append(location)
      }
    }
  }

  /// The value of an entry of `TensorProto.external_data` whose key is `location`.
  private mutating func location(in range: Range<Int>) throws(Failure) -> String? {
    var cursor = range.lowerBound
    var key = 0..<0
    var value = 0..<0
    while let field = try nextField(&cursor, range.upperBound) {
      guard let payload = field.payload else { continue }
      if field.number == 1 { key = payload }
      if field.number == 2 { value = payload }
    }
    guard value.count < 4096, bytes[key].elementsEqual("location".utf8) else { return nil }
    return String(validating: bytes[value], as: UTF8.self)
  }
}
