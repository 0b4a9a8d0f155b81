import Foundation
import ModelGraph
import ONNXFormat
import Tensors
import Testing

/// A model whose one constant, float32[4], is at `entries` of the file `location`.
private func model(_ location: String, _ entries: [String: String] = [:]) -> ONNXModelProto {
  var tensor = ONNXTensorProto.floats("w", [], dims: [4])
  tensor.dataLocation = .external
  tensor.externalData = (["location": location].merging(entries) { $1 }).map { key, value in
    .with { ($0.key, $0.value) = (key, value) }
  }
  return .of(inputs: [.of("x", [4])], constants: [tensor], [.of("Add", ["x", "w"], ["y"])])
}

private let numbers: [UInt8] = (0..<8).flatMap {
  withUnsafeBytes(of: Float($0).bitPattern.littleEndian, Array.init)
}

/// The elements lie where offset and length say, at any alignment, in files beside the model or in folders below it.
@Test func externalDataIsMapped() throws {
  let folder = try TemporaryFolder()
  try FileManager.default.createDirectory(atPath: folder.path + "/sub", withIntermediateDirectories: true)
  _ = try folder.write(numbers, to: "data")
  _ = try folder.write([0, 0, 0] + numbers, to: "sub/data")
  let cases: [(String, [String: String], Float)] = [
    ("data", [:], 0), ("data", ["offset": "16", "length": "16", "checksum": "0"], 4),
    ("sub/data", ["offset": "7"], 1),
    ("./data", ["offset": "4"], 1),
  ]
  for (location, entries, first) in cases {
    let imported = try ONNXModel.read(folder.write(model(location, entries)))
    let constant = try #require(imported.graph.constants.values.first?.tensor)
    #expect(try constant.elements(as: Float.self) == (0..<4).map { first + Float($0) })
    let root = URL(fileURLWithPath: folder.path).resolvingSymlinksInPath().path
    #expect(
      imported.sourceFiles == ["\(root)/model.onnx", "\(root)/\(location.replacing("./", with: ""))"])
  }
}

/// Files outside the model's folder are not read, however their path is spelled.
@Test func externalDataStaysInTheFolder() throws {
  let outside = try TemporaryFolder()
  let secret = try outside.write(numbers, to: "secret")
  let folder = try TemporaryFolder()
  try FileManager.default.createSymbolicLink(atPath: folder.path + "/link", withDestinationPath: secret)
  try FileManager.default.createSymbolicLink(
    atPath: folder.path + "/folder", withDestinationPath: outside.path)
  _ = try folder.write(numbers, to: "inside")
  try FileManager.default.createSymbolicLink(atPath: folder.path + "/alias", withDestinationPath: "inside")
  func fault(_ location: String) throws -> String {
    let path = try folder.write(model(location))
    return (#expect(throws: ONNXError.self) { try ONNXModel.read(path) }).map { "\($0)" } ?? ""
  }
  let name = (outside.path as NSString).lastPathComponent
  for location in [secret, "../\(name)/secret", "sub/../../\(name)/secret", "..", "", "/etc/passwd"] {
    #expect(try fault(location).contains("not a relative path inside the model's folder"), "\(location)")
  }
  for location in ["link", "folder/secret"] {
    #expect(try fault(location).contains("leads outside the model's folder"), "\(location)")
  }
  #expect(try fault("absent").contains("missing from the model's folder"))
  #expect(try fault("inside\0").contains("not a relative path"))
  #expect(try fault(".").contains("leads outside") || fault(".").contains("not a regular file"))
  // A link to a file of the same folder is harmless.
  _ = try ONNXModel.read(folder.write(model("alias")))
}

@Test func externalDataOutOfTheFileIsRefused() throws {
  let folder = try TemporaryFolder()
  _ = try folder.write(numbers, to: "data")
  func fault(_ entries: [String: String]) throws -> String {
    let path = try folder.write(model("data", entries))
    return (#expect(throws: ONNXError.self) { try ONNXModel.read(path) }).map { "\($0)" } ?? ""
  }
  #expect(try fault(["offset": "17"]).contains("16 bytes from 17 on in 'data', which has 32"))
  #expect(try fault(["offset": "\(Int.max)"]).contains("which has 32"))
  #expect(try fault(["offset": "-1"]).contains("not a number of bytes"))
  #expect(try fault(["offset": "99999999999999999999"]).contains("not a number of bytes"))
  #expect(try fault(["length": "12"]).contains("has 12 bytes, but float32[4] takes 16"))
}

/// A watcher has to know of a model's external data before it is compiled, and of missing data too.
@Test func externalDataAreFoundWithoutReadingTheModel() throws {
  let folder = try TemporaryFolder()
  #expect(try ONNXModel.externalLocations(of: folder.write(model("sub/data"))) == ["sub/data"])
  // In a constant's node, in a branch, and twice.
  var tensor = ONNXTensorProto.floats("w", [], dims: [4])
  tensor.dataLocation = .external
  tensor.externalData = [.with { ($0.key, $0.value) = ("location", "inner") }]
  var constant = ONNXNodeProto.of("Constant", [], ["c"])
  constant.attribute = [.with { ($0.name, $0.t) = ("value", tensor) }]
  var branch = ONNXGraphProto()
  branch.node = [constant]
  branch.initializer = [tensor]
  var choice = ONNXNodeProto.of("If", ["x"], ["y"])
  choice.attribute = [.with { ($0.name, $0.g) = ("then_branch", branch) }]
  var whole = model("outer")
  whole.graph.node.append(choice)
  #expect(try ONNXModel.externalLocations(of: folder.write(whole)).sorted() == ["inner", "outer"])
  #expect(ONNXModel.externalLocations(of: folder.path + "/absent").isEmpty)
  #expect(try ONNXModel.externalLocations(of: folder.write([0xFF, 0xFF, 1, 2], to: "damaged")).isEmpty)
}
