import Foundation
import Logging
import Serving
import Testing

@Suite("Pipelines of a folder", .timeLimit(.minutes(5))) struct PipelineCatalogTests {
  private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
    "fusedinf-\(UUID().uuidString)")
  private let catalog = PipelineCatalog(log: Logger(label: "test"))

  init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

  private func write(_ file: String, _ text: String) throws {
    try Data(text.utf8).write(to: folder.appendingPathComponent(file))
  }

  private static let text =
    "{inputs: [x], stages: [{name: s, model: m, inputs: {x: x}}], outputs: [{name: y, from: s.y}]}"

  @Test("files that come, change and go are pipelines that do")
  func changes() async throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try write("a.pipeline.yaml", Self.text)
    try write("b.pipeline.json", "no pipeline")
    try write("c.onnx", "a model")
    try await catalog.refresh(directory: folder.path)
    #expect(catalog.names == ["a", "b"])
    #expect(catalog.version("a") == 1)

    try await catalog.refresh(directory: folder.path)
    #expect(catalog.version("a") == 1)

    try write("a.pipeline.yaml", Self.text + "\n# changed")
    try FileManager.default.removeItem(at: folder.appendingPathComponent("b.pipeline.json"))
    try await catalog.refresh(directory: folder.path)
    #expect(catalog.names == ["a"])
    #expect(catalog.version("a") == 2)
  }

  @Test("a folder that cannot be read has not lost its pipelines")
  func unreadable() async throws {
    try write("a.pipeline.yml", Self.text)
    try await catalog.refresh(directory: folder.path)
    try FileManager.default.removeItem(at: folder)
    await #expect(throws: (any Error).self) { try await catalog.refresh(directory: folder.path) }
    #expect(catalog.names == ["a"])
  }

  @Test(
    "names of files",
    arguments: [
      ("a.pipeline.yaml", "a"), ("a.b.pipeline.json", "a.b"), ("a.yaml", nil), (".pipeline.yaml", nil),
      (".a.pipeline.yaml", nil), ("pipeline.yaml", nil),
    ] as [(String, String?)])
  func fileNames(file: String, name: String?) { #expect(PipelineCatalog.name(ofFile: file) == name) }
}
