import Foundation
import Serving
import Testing

@Suite struct UploadFolderTests {
  /// A store of the test's own, removed with it.
  private final class Store {
    let path = NSTemporaryDirectory() + "fusedinf-uploads-\(UInt64.random(in: 0 ..< .max))"

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }
  }

  @Test(arguments: [
    (["1/model.onnx", "1/model.onnx/x"], "1/model.onnx", "1/model.onnx/x"),
    (["1/model.onnx", "1/model.onnx/a/b"], "1/model.onnx", "1/model.onnx/a/b"),
    (["1/model.onnx", "1"], "1", "1/model.onnx"),
    (["1/model.onnx", "1/w", "1/w/a.bin"], "1/w", "1/w/a.bin"),
    (["1/model.onnx", "1/model.onnx/y.onnx"], "1/model.onnx", "1/model.onnx/y.onnx"),
  ])
  func aFileIsNoFolderOfAnother(files: [String], file: String, inside: String) throws {
    let store = try Store()
    let contents = Dictionary(uniqueKeysWithValues: files.map { ($0, [UInt8(1)]) })
    let error = try #require(throws: ServiceError.self) {
      try UploadFolder(in: store.path, files: contents)
    }
    #expect(error.kind == .invalidRequest)
    #expect(error.description.contains("'file:\(file)'") && error.description.contains("'file:\(inside)'"))
    #expect(!FileManager.default.fileExists(atPath: store.path + "/uploads"), "nothing is written")
  }

  @Test func filesBesideAndBelowAreWritten() throws {
    let store = try Store()
    let files = ["1/model.onnx", "1/model.onnx.data", "1/w/a.bin", "1/w/b.bin", "2/model.onnx"]
    let upload = try UploadFolder(
      in: store.path, files: Dictionary(uniqueKeysWithValues: files.map { ($0, Array($0.utf8)) }))
    let folders = try FileManager.default.contentsOfDirectory(atPath: store.path + "/uploads")
    let folder = store.path + "/uploads/" + (try #require(folders.first))
    for file in files {
      #expect(try String(contentsOfFile: folder + "/" + file, encoding: .utf8) == file)
    }
    withExtendedLifetime(upload) {}
  }

  @Test func theReasonOfAFailedWriteIsTheSystems() throws {
    let store = try Store()
    // Each part is short enough, the whole path is not.
    let long =
      "1/" + Array(repeating: String(repeating: "a", count: 255), count: 6).joined(separator: "/") + "/x"
    let deep = store.path + String(repeating: "/" + String(repeating: "b", count: 250), count: 10)
    let error = try #require(throws: ServiceError.self) {
      try UploadFolder(in: deep, files: ["1/model.onnx": [1], long: [1]])
    }
    #expect(error.description.hasSuffix("': " + String(cString: strerror(ENAMETOOLONG))))
  }
}
