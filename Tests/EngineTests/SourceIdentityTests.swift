import Device
import Engine
import Foundation
import ModelCompiler
import ModelStore
import Testing

/// `y = x + w` with `w`, float32[2], in the file `weights.bin` beside it, as an ONNX file: messages by hand, since the
/// model's own bytes must stay the same while its weights change.
private func addition() -> [UInt8] {
  func number(_ field: UInt8, _ value: UInt8) -> [UInt8] { [field << 3, value] }
  func part(_ field: UInt8, _ bytes: [UInt8]) -> [UInt8] { [field << 3 | 2, UInt8(bytes.count)] + bytes }
  func text(_ field: UInt8, _ text: String) -> [UInt8] { part(field, Array(text.utf8)) }
  let type = part(2, part(1, number(1, 1) + part(2, part(1, number(1, 2)))))
  let node = part(1, text(1, "x") + text(1, "w") + text(2, "y") + text(4, "Add"))
  let location = part(13, text(1, "location") + text(2, "weights.bin"))
  let weight = part(5, number(1, 2) + number(2, 1) + text(8, "w") + location + number(14, 1))
  let graph =
    node + text(2, "sum") + weight + part(11, text(1, "x") + type) + part(12, text(1, "y") + type)
  return number(1, 9) + part(7, graph) + part(8, number(2, 17))
}

private func write(_ bytes: [UInt8], to path: String) throws {
  try Data(bytes).write(to: URL(fileURLWithPath: path))
}

private func floats(_ values: [Float]) -> [UInt8] {
  values.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian, Array.init) }
}

@Suite("The identity of a source is all its bytes")
struct SourceIdentityTests {
  let folder = TemporaryFolder()

  init() throws {
    try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
  }

  @Test("the same model with other external data is another one, and the old one again when they are back")
  func externalData() throws {
    let engine = try Engine(store: folder.path + "/store", device: NullDevice())
    let (model, data) = (folder.path + "/sum.onnx", folder.path + "/weights.bin")
    let options = CompilationOptions()
    try write(addition(), to: model)
    try write(floats([1, 2]), to: data)
    let first = try engine.add(model, name: "sum", options: options)
    #expect(try engine.models.version(of: "sum", isMadeFrom: model, options: options) == first.version)

    try write(floats([1, 3]), to: data)
    #expect(try engine.models.version(of: "sum", isMadeFrom: model, options: options) == nil)
    let second = try engine.add(model, name: "sum", options: options)
    #expect(second.metadata.sourceHash != first.metadata.sourceHash)
    #expect(try engine.models.version(of: "sum", isMadeFrom: model, options: options) == second.version)

    // Bytes that no tensor uses are the source's all the same: files are compared whole.
    try write(floats([1, 3, 4]), to: data)
    #expect(try engine.models.version(of: "sum", isMadeFrom: model, options: options) == nil)

    try write(floats([1, 2]), to: data)
    #expect(try engine.models.version(of: "sum", isMadeFrom: model, options: options) == nil)
    #expect(try engine.models.version(1, of: "sum", isMadeFrom: model, options: options) == 1)
  }

  @Test("a source of one file has that file's hash")
  func oneFile() {
    let hash = ContentHash(of: [1, 2, 3])
    #expect(ContentHash(ofFiles: [hash]) == hash)
    let other = ContentHash(of: [4])
    #expect(ContentHash(ofFiles: [hash, other]) != ContentHash(ofFiles: [other, hash]))
    #expect(ContentHash(ofFiles: [hash, other]) != hash)
  }
}
