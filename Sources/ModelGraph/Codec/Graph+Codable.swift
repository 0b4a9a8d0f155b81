import Foundation
import Tensors

// Graphs as JSON or property lists, for tests and tools. Compiled models hold what `Graph.encoded()` makes, which is
// a hundred times faster and bounds its recursion.

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

extension Graph: Codable {
  private enum Key: String, CodingKey { case name, values, inputs, outputs, constants, nodes }
  private struct Entry: Codable {
    var id: ValueID
    var constant: Constant
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    self.init(name: try container.decode(String.self, forKey: .name))
    values = try container.decode([Value].self, forKey: .values)
    inputs = try container.decode([ValueID].self, forKey: .inputs)
    outputs = try container.decode([ValueID].self, forKey: .outputs)
    nodes = try container.decode([Node].self, forKey: .nodes)
    for entry in try container.decode([Entry].self, forKey: .constants) {
      constants[entry.id] = entry.constant
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(name, forKey: .name)
    try container.encode(values, forKey: .values)
    try container.encode(inputs, forKey: .inputs)
    try container.encode(outputs, forKey: .outputs)
    try container.encode(nodes, forKey: .nodes)
    let entries = constants.keys.sorted().compactMap { id in constants[id].map { Entry(id: id, constant: $0) }
    }
    try container.encode(entries, forKey: .constants)
  }
}
