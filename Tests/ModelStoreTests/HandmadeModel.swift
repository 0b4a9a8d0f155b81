import Foundation
import ModelStore
import Tensors

/// A compiled model's file written number by number, with every checksum right: also one that the writer never makes.
struct HandmadeModel {
  struct Weight {
    var name: String
    var extent: Int
    var offset: Int
    var byteCount: Int
    var elementType = "uint8"
    var dims: [Int]
    var layout: [UInt8] = []
  }

  static let sectionStart = 2 << 20

  var extents: [StoredExtent]
  var weights: [Weight]
  /// Bytes of the part of the file that weights lie in.
  var sectionBytes: Int
  var target = "null/none/1"
  /// Bytes behind the graph.
  var tail: [UInt8] = []
  /// Bytes of a hole at the end of the file, which the header counts to the description.
  var hole = 0
  /// Changes the numbers that the header consists of.
  var header: (inout Header) -> Void = { _ in }
  /// Changes the index and the graph before their checksum is made.
  var index: (inout [UInt8]) -> Void = { _ in }

  /// The header's numbers, in the order in which they are stored.
  struct Header {
    var fileBytes: Int
    var weightsStart: Int
    var weightsLength: Int
    var descriptionStart: Int
    var descriptionLength: Int
    var metadataLength: Int
    var targetLength: Int
  }

  /// Two extents of two pages each: "a" and "b" end at the 5000 used bytes of the first, "c" fills the second.
  init() {
    let first = HandmadeModel.sectionStart
    extents = [
      StoredExtent(hash: ContentHash(of: [1]), offset: first, byteCount: 8192, usedBytes: 5000),
      StoredExtent(hash: ContentHash(of: [2]), offset: first + 8192, byteCount: 8192, usedBytes: 8192),
    ]
    weights = [
      Weight(name: "a", extent: 0, offset: 0, byteCount: 4096, dims: [4096]),
      Weight(name: "b", extent: 0, offset: 4096, byteCount: 904, dims: [904]),
      Weight(name: "c", extent: 1, offset: 0, byteCount: 8192, elementType: "float32", dims: [2, 1024]),
    ]
    sectionBytes = 4 * 4096
  }

  /// Writes the file and opens it.
  func open(in folder: TemporaryFolder) throws -> CompiledModel {
    let path = folder.path + "/handmade-\(UUID().uuidString)"
    let metadata = try StoredMetadata.bytes(in: folder)
    var rest = encodedIndex() + number(3) + [1, 2, 3] + tail
    index(&rest)
    let description = metadata + rest
    let end = HandmadeModel.sectionStart + sectionBytes
    var numbers = Header(
      fileBytes: end + description.count + hole, weightsStart: HandmadeModel.sectionStart,
      weightsLength: sectionBytes, descriptionStart: end,
      descriptionLength: description.count + hole,
      metadataLength: metadata.count, targetLength: target.utf8.count)
    header(&numbers)
    var bytes: [UInt8] = [0x8F, 0x46, 0x55, 0x53, 0x45, 0x44, 0x0D, 0x0A] + number(1)
    for value in [
      numbers.fileBytes, numbers.weightsStart, numbers.weightsLength, numbers.descriptionStart,
      numbers.descriptionLength, numbers.metadataLength,
    ] { bytes += number(value) }
    bytes += ContentHash(of: description).bytes + number(numbers.targetLength) + Array(target.utf8)
    bytes = Array(bytes.prefix(480)) + [UInt8](repeating: 0, count: max(0, 480 - bytes.count))
    bytes += ContentHash(of: bytes).bytes

    try Data(bytes).write(to: URL(fileURLWithPath: path))
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    // The bytes in between are a hole.
    try file.seek(toOffset: UInt64(end))
    try file.write(contentsOf: Data(description))
    try file.truncate(atOffset: UInt64(end + description.count + hole))
    try file.close()
    return try CompiledModel.open(path)
  }

  private func encodedIndex() -> [UInt8] {
    var bytes = number(extents.count)
    for extent in extents {
      bytes += extent.hash.bytes + number(extent.offset) + number(extent.byteCount) + number(extent.usedBytes)
    }
    bytes += number(weights.count)
    for weight in weights {
      bytes += text(weight.name) + number(weight.extent) + number(weight.offset) + number(weight.byteCount)
      bytes += text(weight.elementType) + number(weight.dims.count)
      for dim in weight.dims { bytes += number(dim) }
      bytes += number(weight.layout.count) + weight.layout
    }
    return bytes
  }

  private func text(_ text: String) -> [UInt8] { number(text.utf8.count) + Array(text.utf8) }
}

/// 64 bits, the lowest byte first; a negative number is one beyond `Int.max`.
func number(_ value: Int) -> [UInt8] { withUnsafeBytes(of: Int64(value).littleEndian) { Array($0) } }

private enum StoredMetadata {
  /// The metadata of ``ModelMetadata/test(_:target:)`` as the writer stores them.
  static func bytes(in folder: TemporaryFolder) throws -> [UInt8] {
    let path = folder.path + "/metadata-\(UUID().uuidString)"
    try writeModel(path, [])
    let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    let length = bytes[56..<64].reversed().reduce(0) { $0 << 8 | Int($1) }
    return Array(bytes[HandmadeModel.sectionStart..<HandmadeModel.sectionStart + length])
  }
}
