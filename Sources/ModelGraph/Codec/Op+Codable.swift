/// An op in JSON, as the tests' fixtures hold it: `{"softmax": {"axis": 1}}`.
extension Op: Codable {
  private struct Key: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    guard let key = container.allKeys.first, let kind = Operators.byName[key.stringValue] else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "\(container.allKeys) is no op"))
    }
    self = try Self.decode(kind, container, key)
  }

  private static func decode<Kind: Operator>(
    _ kind: Kind.Type, _ container: KeyedDecodingContainer<Key>, _ key: Key
  ) throws -> Op { Op(try container.decode(kind, forKey: key)) }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(base, forKey: Key(stringValue: type(of: base).name))
  }
}
