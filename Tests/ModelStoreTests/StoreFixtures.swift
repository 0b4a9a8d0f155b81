import Foundation
import ModelStore
import Tensors

/// A folder for one test; removed with the object.
final class TemporaryFolder: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "fusedinf-store-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let file = path + "/" + name
    try FileManager.default.createDirectory(
      atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(fileURLWithPath: file))
    return file
  }

  /// Every file below the folder, sorted, without the lock.
  func files() -> [String] {
    (FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []).filter { file in
      var isDirectory: ObjCBool = false
      return FileManager.default.fileExists(atPath: path + "/" + file, isDirectory: &isDirectory)
        && !isDirectory.boolValue && !file.hasSuffix("lock")
    }.sorted()
  }
}

/// A weight for a test: bytes that follow from a seed.
struct TestWeight {
  var name: String
  var bytes: [UInt8]

  init(_ name: String, count: Int, seed: Int) {
    self.name = name
    var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
    bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      for index in 0..<count {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        buffer[index] = UInt8(truncatingIfNeeded: state)
      }
      initialized = count
    }
  }
}

extension ModelMetadata {
  static func test(_ name: String = "test", target: String = "null/none/1") -> ModelMetadata {
    ModelMetadata(
      name: name, target: target, opset: 17, producer: "a test", sourceHash: ContentHash(of: [1, 2, 3]),
      sourcePath: "/models/test.onnx",
      inputs: [
        .init(name: "x", elementType: .float32, dimensions: [.name("batch"), .number(3), .name("?")])
      ],
      outputs: [.init(name: "y", elementType: .int64, dimensions: nil)],
      declaredShapes: ["x": "1..8x3x224"], statistics: ["nodes": 7],
      createdAt: Date(timeIntervalSince1970: 1e9))
  }
}

/// Writes a compiled model of `weights`.
func writeModel(
  _ path: String, _ weights: [TestWeight], graph: [UInt8] = [1, 2, 3], metadata: ModelMetadata = .test()
) throws {
  let writer = try CompiledModelWriter(path: path)
  for (index, weight) in weights.enumerated() {
    let added = try weight.bytes.withUnsafeBytes { bytes in
      try writer.addWeight(
        name: weight.name, elementType: .uint8, shape: Shape(checking: [weight.bytes.count]), bytes: bytes)
    }
    precondition(added == index)
  }
  try writer.finish(graph: graph, metadata: metadata)
}

extension CompiledModel {
  /// The bytes of one weight, read from the file.
  func bytes(of weight: StoredWeight) throws -> [UInt8] {
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: false)
    try handle.seek(toOffset: UInt64(extents[weight.extent].offset + weight.offset))
    return Array(try handle.read(upToCount: weight.byteCount) ?? Data())
  }
}
