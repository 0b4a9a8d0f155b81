import ONNXFormat
import SwiftProtobuf

/// Protobuf's wire format, written by hand (`https://protobuf.dev/programming-guides/encoding/`): for what the generated
/// types of the tests cannot say, raw tensor data above all.
enum WireBytes {
  static func varint(_ value: UInt64) -> [UInt8] {
    value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7f) | 0x80] + varint(value >> 7)
  }

  static func field(_ number: UInt64, _ value: UInt64) -> [UInt8] { varint(number << 3) + varint(value) }

  static func field(_ number: UInt64, _ bytes: [UInt8]) -> [UInt8] { header(number, bytes.count) + bytes }

  /// Tag and length of a field whose `count` bytes follow.
  static func header(_ number: UInt64, _ count: Int) -> [UInt8] {
    varint(number << 3 | 2) + varint(UInt64(count))
  }

  /// A model, opset 17, with the constant `w`, which it adds to its input unless told otherwise: `tensor` is the
  /// serialised constant, which may go on after these bytes for another `tail` bytes.
  static func model(constant tensor: [UInt8], tail: Int = 0, adding: Bool = true) throws -> [UInt8] {
    let model = ONNXModelProto.of([adding ? .of("Add", ["x", "w"], ["y"]) : .of("Relu", ["x"], ["y"])])
    var rest = model
    rest.clearGraph()
    let graph = try model.graph.serializedBytes() + header(5, tensor.count + tail) + tensor
    return try rest.serializedBytes() + header(7, graph.count + tail) + graph
  }

  /// dims, data_type and name of the constant `w`.
  static func tensor(type: UInt64, dims: [UInt64]) -> [UInt8] {
    dims.flatMap { field(1, $0) } + field(2, type) + field(8, Array("w".utf8))
  }
}
