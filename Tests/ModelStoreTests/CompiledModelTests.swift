import Foundation
import ModelStore
import Tensors
import Testing

@Suite struct CompiledModelTests {
  let folder: TemporaryFolder
  var path: String { folder.path + "/model.fused" }

  init() throws { folder = try TemporaryFolder() }

  @Test func whatWasWrittenIsRead() throws {
    let weights = [
      TestWeight("conv", count: 200_000, seed: 1), TestWeight("bias", count: 512, seed: 2),
      TestWeight("empty", count: 0, seed: 3), TestWeight("scale", count: 100, seed: 4),
      TestWeight("großes Gewicht", count: 65_536, seed: 5), TestWeight("last", count: 9 << 20, seed: 6),
    ]
    try writeModel(path, weights, graph: [UInt8](0..<200))
    let model = try CompiledModel.open(path)
    #expect(model.metadata == .test())
    #expect(model.graph == [UInt8](0..<200))
    #expect(model.weights.map(\.name) == weights.map(\.name))
    #expect(try model.weights.map { try model.bytes(of: $0) } == weights.map(\.bytes))
    try model.verifyWeights()
  }

  @Test func aFileIsToldFromTheOneThatHadItsPath() throws {
    try writeModel(path, [TestWeight("w", count: 100, seed: 1)])
    let first = try CompiledModel.open(path)
    #expect(try CompiledModel.open(path).identity == first.identity)
    let copy = folder.path + "/copy.fused"
    try FileManager.default.copyItem(atPath: path, toPath: copy)
    #expect(rename(copy, path) == 0)
    let second = try CompiledModel.open(path)
    #expect(second.path == first.path && second.identity != first.identity)
  }

  @Test func layoutsAndTypesAreKept() throws {
    let writer = try CompiledModelWriter(path: path)
    let packed = [UInt8](repeating: 9, count: 1000)
    _ = try packed.withUnsafeBytes { bytes in
      try writer.addWeight(
        name: "w", elementType: .bfloat16, shape: [3, 4, 5], layout: [7, 0, 7], bytes: bytes)
    }
    try writer.finish(graph: [], metadata: .test())
    let weight = try #require(try CompiledModel.open(path).weights.first)
    #expect(weight.elementType == .bfloat16)
    #expect(weight.shape == [3, 4, 5])
    #expect(weight.layout == [7, 0, 7])
    #expect(weight.byteCount == 1000)
  }

  @Test func aPlainWeightHasItsShapesBytes() throws {
    let writer = try CompiledModelWriter(path: path)
    let bytes = [UInt8](repeating: 0, count: 10)
    let error = #expect(throws: StoreError.self) {
      try bytes.withUnsafeBytes {
        _ = try writer.addWeight(name: "w", elementType: .float32, shape: [3], bytes: $0)
      }
    }
    #expect(error?.kind == .invalidModel)
    #expect(error?.description.contains("'w'") == true)
  }

  @Test func extentsAreWholeAlignedPagesInOrder() throws {
    let weights = (0..<60).map {
      TestWeight("w\($0)", count: $0 % 3 == 0 ? 70_000 + $0 : 900 * $0 + 1, seed: $0)
    }
    try writeModel(path, weights)
    let model = try CompiledModel.open(path)
    var end = 2 << 20
    for extent in model.extents.sorted(by: { $0.offset < $1.offset }) {
      #expect(extent.offset == end)
      #expect(extent.byteCount % 4096 == 0 && extent.byteCount - extent.usedBytes < 4096)
      end += extent.byteCount
    }
    var seen: Set<Int> = []
    for weight in model.weights where !seen.contains(weight.extent) {
      #expect(weight.extent == seen.count)
      seen.insert(weight.extent)
    }
    #expect(seen.count == model.extents.count)
    #expect(model.extentBytes == end - (2 << 20))
    for weight in model.weights {
      #expect(weight.offset % 64 == 0)
      let extent = model.extents[weight.extent]
      if weight.byteCount >= 65_536 {
        #expect(weight.offset == 0 && extent.usedBytes == weight.byteCount)
      } else {
        #expect(extent.byteCount <= 65_536)
      }
    }
  }

  @Test func smallWeightsShareBlocks() throws {
    try writeModel(path, (0..<100).map { TestWeight("b\($0)", count: 256, seed: $0) })
    let extents = try CompiledModel.open(path).extents
    // 25,600 bytes, cut about every sixteenth weight.
    #expect(extents.count < 20)
    #expect(extents.reduce(0) { $0 + $1.byteCount } < 25_600 + 20 * 4096)
  }

  @Test func aSharedBackboneIsTheSameExtents() throws {
    let backbone = (0..<120).map {
      TestWeight("b\($0)", count: $0 % 4 == 0 ? 80_000 : 1_000, seed: 1000 + $0)
    }
    func extents(_ file: String, _ weights: [TestWeight]) throws -> [ContentHash: Int] {
      try writeModel(folder.path + "/" + file, weights)
      let model = try CompiledModel.open(folder.path + "/" + file)
      return Dictionary(uniqueKeysWithValues: model.extents.map { ($0.hash, $0.byteCount) })
    }
    let cat = try extents("cat", backbone + [TestWeight("head", count: 4_000, seed: 1)])
    let dog = try extents("dog", backbone + [TestWeight("head", count: 9_000, seed: 2)])
    let stem = try extents("stem", [TestWeight("stem", count: 3_333, seed: 3)] + backbone)
    let all = cat.values.reduce(0, +)
    let shared = cat.filter { dog[$0.key] != nil }.values.reduce(0, +)
    #expect(all - shared <= 64 << 10)
    // Another beginning: the blocks find the same boundaries again.
    let sharedWithStem = cat.filter { stem[$0.key] != nil }.values.reduce(0, +)
    #expect(all - sharedWithStem <= 128 << 10)
  }

  // |stem b0 b1 … b6|b7 … b19|b20 …      where the first weight that ends a block is b6, say
  // |     b0 b1 … b6|b7 … b19|b20 …
  @Test func anotherBeginningChangesTheFirstBlockAlone() throws {
    let run = (0..<120).map { TestWeight("b\($0)", count: 1_000, seed: 1000 + $0) }
    func blocks(_ file: String, _ weights: [TestWeight]) throws -> [ContentHash] {
      try writeModel(folder.path + "/" + file, weights)
      return try CompiledModel.open(folder.path + "/" + file).extents.map(\.hash)
    }
    let plain = try blocks("plain", run)
    let later = try blocks("later", [TestWeight("stem", count: 3_333, seed: 3)] + run)
    #expect(plain.count > 4)
    #expect(plain.first != later.first)
    #expect(plain.dropFirst() == later.dropFirst())
  }

  @Test func equalWeightsAreStoredOnce() throws {
    let large = TestWeight("a", count: 1 << 20, seed: 1)
    var padded = TestWeight("padded", count: 70_000, seed: 2)
    let unpadded = padded
    padded.bytes += [0, 0, 0]
    try writeModel(
      path,
      [
        large, TestWeight("b", count: 1 << 20, seed: 1), TestWeight("c", count: 1 << 20, seed: 3), unpadded,
        padded,
      ])
    let model = try CompiledModel.open(path)
    #expect(model.weights.map(\.extent) == [0, 0, 1, 2, 2])
    #expect(model.extentBytes == (2 << 20) + 73_728)
    #expect(try model.bytes(of: model.weights[4]) == padded.bytes)
  }

  @Test func theFileIsReadOnlyAndNeverOverwritten() throws {
    try writeModel(path, [])
    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    #expect(mode == 0o444)
    let error = #expect(throws: StoreError.self) { _ = try CompiledModelWriter(path: path) }
    #expect(error?.description.contains(path) == true)
  }

  @Test func whatWasNotFinishedIsRefused() throws {
    let writer = try CompiledModelWriter(path: path)
    let weight = TestWeight("w", count: 20 << 20, seed: 1)
    _ = try weight.bytes.withUnsafeBytes {
      try writer.addWeight(name: "w", elementType: .uint8, shape: [20 << 20], bytes: $0)
    }
    let error = #expect(throws: StoreError.self) { _ = try CompiledModel.open(path) }
    #expect(error?.kind == .damaged)
  }

  @Test func anOpenFileSurvivesItsRemoval() throws {
    let weight = TestWeight("w", count: 100_000, seed: 1)
    try writeModel(path, [weight])
    let model = try CompiledModel.open(path)
    try FileManager.default.removeItem(atPath: path)
    #expect(try model.bytes(of: model.weights[0]) == weight.bytes)
  }
}
