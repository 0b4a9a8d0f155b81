import Foundation
import Tensors

// Parameters that an op's JSON may hold. Compiled models hold what `Graph.encoded()` makes, which is a hundred times
// faster and bounds its recursion.

extension Tensor: Codable {
  private enum Key: String, CodingKey { case type, shape, bytes }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let type = try container.decode(ElementType.self, forKey: .type)
    let shape = try container.decode(Shape.self, forKey: .shape)
    let bytes = try container.decode(Data.self, forKey: .bytes)
    guard bytes.count == type.byteCount(of: shape.elementCount) else {
      throw DecodingError.dataCorruptedError(
        forKey: .bytes, in: container, debugDescription: "\(bytes.count) bytes for \(type)\(shape)")
    }
    try self.init(elementType: type, shape: shape) { memory in bytes.copyBytes(to: memory) }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(elementType, forKey: .type)
    try container.encode(shape, forKey: .shape)
    try container.encode(withUnsafeBytes { Data($0) }, forKey: .bytes)
  }
}

/// A branch of an op, as the bytes of ``Graph/encoded()``.
extension Graph: Codable {
  public init(from decoder: any Decoder) throws {
    self = try Graph.decoded(from: Array(try decoder.singleValueContainer().decode(Data.self)))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(Data(try encoded()))
  }
}
