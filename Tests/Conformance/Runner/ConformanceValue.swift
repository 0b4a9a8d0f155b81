import Foundation
import ModelGraph
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
  /// Returns the value as a tensor that an input of `type` can take.
  /// - Throws: ``UnsupportedValue`` if the engine has no such values.
  func tensor(for type: ValueType?) throws -> Tensor {
    let isOptional = type?.contents?.isOptional ?? false
    switch self {
    case .absent where type?.elementType == .sequence: return try Tensor(list: nil)
    case .sequence(let elements) where type?.elementType == .sequence && !isOptional:
      return try Tensor(list: try elements.map { try $0.tensor() })
    case .tensor where isOptional: return try Tensor(list: [try tensor()])
    default: return try tensor()
    }
  }

  private func tensor() throws -> Tensor {
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
    case .strings(let elements, let shape):
      return try Tensor(strings: elements, shape: try Shape(checking: shape))
    case .sequence: throw UnsupportedValue(description: "a sequence")
    case .absent: throw UnsupportedValue(description: "an optional that is absent")
    }
  }

  /// Writes the elements of `tensor`, an output of `type`, to `file`, or those of a sequence to files beside it.
  init(_ tensor: Tensor, as type: ValueType?, file: String) throws {
    guard tensor.elementType == .sequence else {
      try self.init(tensor, file: file)
      return
    }
    guard let list = tensor.list else {
      self = .absent
      return
    }
    if type?.contents?.isOptional ?? false, let value = list.first {
      try self.init(value, file: file)
    } else {
      self = .sequence(try list.enumerated().map { try ConformanceValue($1, file: "\(file)_\($0)") })
    }
  }

  /// Writes the elements of `tensor` to `file`, unless they are texts.
  private init(_ tensor: Tensor, file: String) throws {
    if let strings = tensor.strings {
      self = .strings(strings, shape: tensor.shape.dims)
      return
    }
    let bytes = tensor.withUnsafeBytes { Data($0) }
    try bytes.write(to: URL(fileURLWithPath: file))
    self = .tensor(elementType: tensor.elementType.rawValue, shape: tensor.shape.dims, file: file)
  }
}

/// A value that the engine cannot take.
struct UnsupportedValue: Error, CustomStringConvertible {
  let description: String
}
