import Foundation
import Tensors

/// A value of an input or output as the driver and the runner exchange it.
enum ConformanceValue: Sendable {
  /// The elements are the bytes of `file`, dense and little-endian; elements of 4 bits share a byte.
  case tensor(elementType: String, shape: [Int], file: String)
  case strings([String], shape: [Int])
  case sequence([ConformanceValue])
  /// An optional value that is not there.
  case absent
}

extension ConformanceValue: Codable {
  private enum Kind: String, Codable { case tensor, strings, sequence, absent }
  private enum Key: CodingKey { case kind, elementType, shape, file, elements }

  init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    self =
      switch try fields.decode(Kind.self, forKey: .kind) {
      case .tensor:
        .tensor(
          elementType: try fields.decode(String.self, forKey: .elementType),
          shape: try fields.decode([Int].self, forKey: .shape),
          file: try fields.decode(String.self, forKey: .file))
      case .strings:
        .strings(
          try fields.decode([String].self, forKey: .elements),
          shape: try fields.decode([Int].self, forKey: .shape))
      case .sequence: .sequence(try fields.decode([ConformanceValue].self, forKey: .elements))
      case .absent: .absent
      }
  }

  func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    switch self {
    case .tensor(let elementType, let shape, let file):
      try fields.encode(Kind.tensor, forKey: .kind)
      try fields.encode(elementType, forKey: .elementType)
      try fields.encode(shape, forKey: .shape)
      try fields.encode(file, forKey: .file)
    case .strings(let elements, let shape):
      try fields.encode(Kind.strings, forKey: .kind)
      try fields.encode(elements, forKey: .elements)
      try fields.encode(shape, forKey: .shape)
    case .sequence(let elements):
      try fields.encode(Kind.sequence, forKey: .kind)
      try fields.encode(elements, forKey: .elements)
    case .absent: try fields.encode(Kind.absent, forKey: .kind)
    }
  }
}

extension ConformanceValue {
  /// Returns the value as a tensor that a model can take.
  /// - Throws: ``UnsupportedValue`` if the engine has no such values.
  func tensor() throws -> Tensor {
    switch self {
    case .tensor(let elementType, let shape, let file):
      guard let type = ElementType(rawValue: elementType) else {
        throw UnsupportedValue(description: "elements of type \(elementType)")
      }
      let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
      return try Tensor(elementType: type, shape: try Shape(checking: shape)) { memory in
        guard memory.count == bytes.count else {
          throw UnsupportedValue(description: "\(memory.count) bytes, \(file) has \(bytes.count)")
        }
        bytes.withUnsafeBytes { memory.copyMemory(from: $0) }
      }
    case .strings: throw UnsupportedValue(description: "strings")
    case .sequence: throw UnsupportedValue(description: "a sequence")
    case .absent: throw UnsupportedValue(description: "an optional that is absent")
    }
  }

  /// Writes the elements of `tensor` to `file`.
  init(_ tensor: Tensor, file: String) throws {
    let bytes = tensor.withUnsafeBytes { Data($0) }
    try bytes.write(to: URL(fileURLWithPath: file))
    self = .tensor(elementType: tensor.elementType.rawValue, shape: tensor.shape.dims, file: file)
  }
}

/// A value that the engine cannot take.
struct UnsupportedValue: Error, CustomStringConvertible {
  let description: String
}
