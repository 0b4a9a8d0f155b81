/// As much of JSON as a model configuration is made of.
enum ConfigurationValue: Sendable, Hashable, Decodable {
  case string(String)
  case number(Double)
  case flag(Bool)
  case list([ConfigurationValue])
  case object([String: ConfigurationValue])
  case null

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let flag = try? container.decode(Bool.self) {
      self = .flag(flag)
    } else if let number = try? container.decode(Double.self) {
      self = .number(number)
    } else if let text = try? container.decode(String.self) {
      self = .string(text)
    } else if let list = try? container.decode([ConfigurationValue].self) {
      self = .list(list)
    } else {
      self = .object(try container.decode([String: ConfigurationValue].self))
    }
  }

  /// True where the value says no more than `other`: the same, or less of it. A field that is left out has its default;
  /// numbers of 64 bits are texts in JSON that is made of Protocol Buffers.
  func agrees(with other: ConfigurationValue?) -> Bool {
    guard let other else { return isDefault }
    switch (self, other) {
    case (.number(let mine), .string(let theirs)): return Double(theirs) == mine
    case (.string(let mine), .number(let theirs)): return Double(mine) == theirs
    case (.list(let mine), .list(let theirs)):
      return mine.count == theirs.count && zip(mine, theirs).allSatisfy { $0.agrees(with: $1) }
    case (.object(let mine), .object(let theirs)):
      return mine.allSatisfy { $0.value.agrees(with: theirs[$0.key]) }
    default: return self == other
    }
  }

  /// True for what a field that is not set is.
  private var isDefault: Bool {
    switch self {
    case .string(let text): text.isEmpty || Double(text) == 0
    case .number(let number): number == 0
    case .flag(let flag): !flag
    case .list(let list): list.isEmpty
    case .object(let fields): fields.values.allSatisfy(\.isDefault)
    case .null: true
    }
  }
}
