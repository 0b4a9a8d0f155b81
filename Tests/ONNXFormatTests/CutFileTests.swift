import Foundation
import ONNXFormat
import Synchronization
import Tensors
import Testing

/// A model's files that another program cuts short while they are mapped: an error, and the process lives.
@Suite(.timeLimit(.minutes(10))) struct CutFileTests {
  let folder: TemporaryFolder
  /// float32[131072, 1, 3], which can be added to the float32[2, 3] of the input.
  private static let dims: [Int64] = [1 << 17, 1, 3]
  private static let raw = [UInt8](repeating: 0x3f, count: 3 << 19)

  init() throws { folder = try TemporaryFolder() }

  /// The bytes of a model with a constant of 1.5 MiB, at the file's end.
  private func bytes() throws -> [UInt8] {
    try WireBytes.model(
      constant: WireBytes.tensor(type: 1, dims: CutFileTests.dims.map { UInt64($0) })
        + WireBytes.field(9, CutFileTests.raw))
  }

  private func expectCut(_ model: ImportedModel, _ path: String) throws {
    let error = #expect(throws: ONNXError.self) { try model.checkFiles() }
    let text = "\(try #require(error))"
    #expect(text.contains((path as NSString).lastPathComponent) && text.contains("cut short"), "\(text)")
  }

  // reader   read |==|                     look at the constant   check: cut
  // other               cut to one page
  @Test(arguments: [0, 1, 4096, 1 << 19])
  func aModelThatIsCutBeforeItsWeightsAreUsed(length: Int) throws {
    let path = try folder.write(bytes(), to: "model.onnx")
    let model = try ONNXModel.read(path)
    try model.checkFiles()
    try #require(truncate(path, length) == 0)
    let constant = try #require(model.graph.constants.values.compactMap(\.tensor).first)
    // A page that is gone reads as zeros.
    #expect(try constant.elements(as: Float.self).last == 0)
    try expectCut(model, path)
    _ = model.mapSources { $0.reduce(0, &+) }
    try expectCut(model, path)
  }

  @Test func externalDataThatAreCutBeforeTheyAreUsed() throws {
    let data = try folder.write(CutFileTests.raw, to: "weights.data")
    var tensor = ONNXTensorProto.floats("w", [], dims: CutFileTests.dims)
    tensor.dataLocation = .external
    tensor.externalData = [
      .with {
        $0.key = "location"
        $0.value = "weights.data"
      }
    ]
    let path = try folder.write(.of(constants: [tensor], [.of("Add", ["x", "w"], ["y"])]))
    let model = try ONNXModel.read(path)
    try #require(truncate(data, 4096) == 0)
    let constant = try #require(model.graph.constants.values.compactMap(\.tensor).first)
    #expect(try constant.elements(as: Float.self).last == 0)
    try expectCut(model, data)
  }

  // reader   read |==|  read |=====| read |=====| …    a model, or an error, each  | read |==|          read: cut
  // other                  cut  whole  cut    whole  cut …                  whole               cut
  @Test func aModelThatIsCutWhileItIsRead() throws {
    let whole = try bytes()
    let path = try folder.write(whole, to: "model.onnx")
    try readWhole(path)
    let file = open(path, O_RDWR | O_CLOEXEC)
    try #require(file >= 0)
    defer { close(file) }
    let ended = DispatchSemaphore(value: 0)
    let isOver = Flag()
    Thread.detachNewThread {
      var round: UInt32 = 0
      while !isOver.value.load(ordering: .relaxed) {
        ftruncate(file, 0)
        usleep(50)
        _ = pwrite(file, whole, whole.count, 0)
        // Whole for less time than a read takes, and for more.
        usleep(100 << (round % 8))
        round += 1
      }
      ended.signal()
    }
    for _ in 0..<400 {
      // Either outcome is possible: the two race.
      do { try readWhole(path) } catch { #expect(error is ONNXError, "\(error)") }
    }
    isOver.value.store(true, ordering: .relaxed)
    ended.wait()
    try readWhole(path)
    try #require(ftruncate(file, 0) == 0)
    #expect(throws: ONNXError.self) { try readWhole(path) }
  }

  /// Reads the model and uses all of it. Without an error it is the one that was written, to the last element.
  private func readWhole(_ path: String) throws {
    let model = try ONNXModel.read(path)
    let constants = model.graph.constants.values.compactMap(\.tensor)
    let elements = try constants.map { try $0.elements(as: Float.self) }
    try model.checkFiles()
    let isRight = elements == [CutFileTests.raw.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }]
    #expect(isRight && model.graph.nodes.count == 1)
  }
}

private final class Flag: Sendable {
  let value = Atomic(false)
}
