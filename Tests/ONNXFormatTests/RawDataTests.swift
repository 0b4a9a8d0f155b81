import Foundation
import ModelGraph
import ONNXFormat
import Tensors
import Testing

private func constant(_ bytes: [UInt8]) throws -> Tensor {
  let folder = try TemporaryFolder()
  let graph = try ONNXModel.read(folder.write(bytes, to: "model.onnx")).graph
  return try #require(graph.constants.values.first?.tensor)
}

private let float = WireBytes.tensor(type: 1, dims: [3])

/// A model of three gigabytes, all of it one constant: a file with a hole. Were it read into memory, the process would
/// grow by as much; a third leaves room for tests that run at the same time.
@Test func largeModelsAreNotCopied() throws {
  let folder = try TemporaryFolder()
  let count = 3 << 30
  let tensor = WireBytes.tensor(type: 1, dims: [3, 1 << 28]) + WireBytes.header(9, count)
  let bytes = try WireBytes.model(constant: tensor, tail: count, adding: false)
  let path = try folder.write(bytes, to: "large.onnx")
  try #require(truncate(path, bytes.count + count) == 0)
  let before = try residentBytes()
  let graph = try ONNXModel.read(path).graph
  #expect(try residentBytes() - before < 1 << 30)
  let weight = try #require(graph.constants.values.first?.tensor)
  #expect(weight.byteCount == count)
  #expect(weight.withUnsafeBytes { $0[0] == 0 && $0[count - 1] == 0 })
  // One byte less in the file, and the length of the data is no longer there.
  try #require(truncate(path, bytes.count + count - 1) == 0)
  #expect(throws: ONNXError.self) { try ONNXModel.read(path) }
}

/// The process's resident memory, from `/proc/self/statm`.
private func residentBytes() throws -> Int {
  let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
  return try #require(Int(fields[1])) * sysconf(Int32(_SC_PAGESIZE))
}

/// A field that may stand once and stands twice counts as it stands last, as everywhere in protobuf.
@Test func theLastRawDataCounts() throws {
  let first = WireBytes.field(9, [UInt8](repeating: 1, count: 7))
  let second = WireBytes.field(9, [0, 0, 0x80, 0x3f, 0, 0, 0, 0x40, 0, 0, 0x40, 0x40])
  #expect(try constant(WireBytes.model(constant: float + first + second)).floats == [1, 2, 3])
  #expect(throws: ONNXError.self) { try constant(WireBytes.model(constant: float + second + first)) }
}

/// The field in which the scanner notes where raw data is cannot come from the file.
@Test func filesCannotPointElsewhere() throws {
  let place = WireBytes.field(1, 0) + WireBytes.field(2, 12)
  let model = try WireBytes.model(constant: float + WireBytes.field(100_000, place))
  let error = #expect(throws: ONNXError.self) { try constant(model) }
  #expect(error.map { "\($0)" }?.contains("takes 3 elements, but float_data has 0") == true)
}

/// A Swift `Bool` is 0 or 1; a file's need not be.
@Test func booleansAreNormalised() throws {
  let tensor = WireBytes.tensor(type: 9, dims: [4]) + WireBytes.field(9, [0, 1, 2, 255])
  let booleans = try constant(WireBytes.model(constant: tensor, adding: false))
  #expect(try booleans.elements(as: Bool.self) == [false, true, true, true])
}

@Test func wireFormatsThatAreNoneAreRefused() throws {
  let data = WireBytes.field(9, [UInt8](repeating: 0, count: 12))
  let damage: [(String, [UInt8])] = [
    ("no field has the number 0", [0x02, 0]), ("wire type 3", [1 << 3 | 3]), ("wire type 7", [1 << 3 | 7]),
    ("a number is longer than 10 bytes", [0x08] + [UInt8](repeating: 0xff, count: 11)),
    ("it is cut short", [0x08, 0x80]), ("it is cut short", WireBytes.varint(9 << 3 | 1) + [0, 0]),
    ("18446744073709551615 bytes are announced", [0x0a] + WireBytes.varint(.max)),
  ]
  for (message, bytes) in damage {
    let error = #expect(throws: ONNXError.self, "\(message)") {
      try constant(WireBytes.model(constant: float + data + bytes))
    }
    #expect(error.map { "\($0)" }?.contains(message) == true, "\(error.map { "\($0)" } ?? "")")
  }
}
