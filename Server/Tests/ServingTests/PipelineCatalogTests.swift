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

  @Test(
    "what is no regular file, and what has no name that a model can have, holds nothing up",
    .timeLimit(.minutes(1)))
  func irregular() async throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try write("a.pipeline.yaml", Self.text)
    try write("new\nline.pipeline.yaml", Self.text)
    try write("e\u{301}.pipeline.yaml", Self.text)
    try write("\u{E9}.pipeline.yaml", Self.text)
    try write("large.pipeline.yaml", String(repeating: " ", count: PipelineDefinition.maximumBytes + 1))
    mkfifo(folder.appendingPathComponent("p.pipeline.yaml").path, 0o600)
    try await catalog.refresh(directory: folder.path)
    #expect(catalog.names == ["a", "large", "p", "\u{E9}"])
    #expect(catalog.contains("\u{E9}") && !catalog.contains("e\u{301}"))
    #expect(catalog.version("p") == 1)
    try FileManager.default.removeItem(at: folder.appendingPathComponent("p.pipeline.yaml"))
    try write("p.pipeline.yaml", Self.text)
    try await catalog.refresh(directory: folder.path)
    #expect(catalog.version("p") == 2)
  }

  @Test("of a link that leads to another folder, the other folder's files count")
  func swappedLink() async throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let files = FileManager.default
    for (release, name) in [("1", "old"), ("2", "new")] {
      let place = folder.appendingPathComponent(release)
      try files.createDirectory(at: place, withIntermediateDirectories: true)
      for file in [name, "both"] { try write("\(release)/\(file).pipeline.yaml", Self.text) }
    }
    let link = folder.path + "/current"
    try files.createSymbolicLink(atPath: link, withDestinationPath: "1")
    try await catalog.refresh(directory: link)
    #expect(catalog.names == ["both", "old"])
    try files.createSymbolicLink(atPath: link + ".new", withDestinationPath: "2")
    #expect(rename(link + ".new", link) == 0)
    try await catalog.refresh(directory: link)
    #expect(catalog.names == ["both", "new"])
    #expect(catalog.version("both") == 1, "its text is the same")
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
