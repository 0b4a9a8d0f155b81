import Tensors

/// One size of a declared input or output: in JSON a number, or a text.
public enum DeclaredSize: Sendable, Hashable, CustomStringConvertible {
  case number(Int)
  /// A size that is open: its name, or `?`.
  case name(String)

  public var description: String {
    switch self {
    case .number(let number): "\(number)"
    case .name(let name): name
    }
  }
}

extension DeclaredSize: Codable {
  /// Also reads a number that is written as a text.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let number = try? container.decode(Int.self) {
      self = .number(number)
    } else {
      let text = try container.decode(String.self)
      self = Int(text).map { .number($0) } ?? .name(text)
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .number(let number): try container.encode(number)
    case .name(let name): try container.encode(name)
    }
  }
}

extension ModelMetadata.TensorDeclaration: CustomStringConvertible {
  /// `x: float32[batch, 3]`, `x: sequence(float32[?, 3])`.
  public var description: String {
    guard let elementType else { return "\(name): unknown" }
    guard elementType == .sequence else { return "\(name): \(Self.text(elementType, dimensions))" }
    guard let contents else { return "\(name): sequence" }
    let element = Self.text(contents.elementType, contents.dimensions)
    return "\(name): \(contents.isOptional ? "optional" : "sequence")(\(element))"
  }

  private static func text(_ elementType: ElementType, _ dimensions: [DeclaredSize]?) -> String {
    "\(elementType.rawValue)[\(dimensions?.map(\.description).joined(separator: ", ") ?? "*")]"
  }
}
