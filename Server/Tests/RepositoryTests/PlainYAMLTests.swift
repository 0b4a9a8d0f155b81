import Foundation
import Repository
import Testing

/// YAML from outside, which a small file must not make large.
struct PlainYAMLTests {
  /// Each level is twenty of the level below: 20⁹ values in some hundred bytes.
  private static let bomb: String = {
    var text = "shapes:\n b0: &b0 [1,1]\n"
    for level in 1...8 {
      let before = Array(repeating: "*b\(level - 1)", count: 20).joined(separator: ",")
      text += " b\(level): &b\(level) [\(before)]\n"
    }
    return text + " ? *b8\n : 1\n"
  }()

  /// Anchors wherever a line's start, a comment or a quotation could hide them from a search in the text.
  @Test(arguments: [
    "a: &x 1", "&x a: 1", "a: *x", "[*x]", "{a: &x 1}", "- &x 1", "? &x a\n: 1", "a: !!str &x b",
    "a: &x [*x]",
    "a: 1\r&x b: 2", "\u{FEFF}&x a: 1", "{\"k #\": &x [1]}", "'a # b': &x 1", "a:\n  &x\n  b: 1",
    "a: \"b\\\n c\"\nd: &x 1", "a: 1\u{85}b: &x 1", "--- &x\na: 1", "a: 1\u{2028}b: &x 2", bomb,
  ])
  func anchorsAndAliasesAreRefused(text: String) {
    #expect(throws: PlainYAML.Problem.self) { try PlainYAML.check(text) }
    #expect(throws: (any Error).self) { try PlainYAML.compose(text) }
    #expect(throws: Sidecar.Problem.self) { try Sidecar(parsing: text) }
  }

  @Test(arguments: [
    "a: 'b & c'", "a: b&c", "a: \"*x\"", "a: 1 # &x", "'*': 1", "a: |\n  &x\n  *x\n", "a: b *c", "ocr-*: 1",
    "",
  ])
  func whatOnlyLooksLikeThemIsTaken(text: String) throws {
    #expect(throws: Never.self) { try PlainYAML.check(text) }
    _ = try PlainYAML.compose(text)
  }

  @Test func depthAndNumberAreBounded() throws {
    func nested(_ depth: Int) -> String {
      (0..<depth).map { String(repeating: " ", count: $0) + "-\n" }.joined()
        + String(repeating: " ", count: depth) + "x"
    }
    #expect(throws: (any Error).self) { try PlainYAML.compose(nested(PlainYAML.maxDepth + 1)) }
    #expect(throws: Never.self) { try PlainYAML.check(nested(PlainYAML.maxDepth - 10)) }
    #expect(throws: (any Error).self) { try PlainYAML.compose(String(repeating: "[", count: 100_000)) }
    #expect(throws: (any Error).self) { try PlainYAML.compose(String(repeating: "- ", count: 100_000)) }
    #expect(throws: PlainYAML.Problem.self) {
      try PlainYAML.check("[" + String(repeating: "1,", count: PlainYAML.maxValues) + "]")
    }
  }

  @Test func theLineIsNamed() throws {
    let problem = try #require(throws: PlainYAML.Problem.self) { try PlainYAML.check("a: 1\n\nb: &x 2\n") }
    #expect(problem.line == 3)
  }

  @Test func onlyRegularFilesAreReadAndNothingIsWaitedFor() throws {
    let folder = NSTemporaryDirectory() + "fusedinf-regular-\(UInt64.random(in: 0 ..< .max))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let file = folder + "/a.yaml"
    try Data("pin: true".utf8).write(to: URL(fileURLWithPath: file))
    #expect(try RegularFile.text(of: file, maxBytes: 9) == "pin: true")
    mkfifo(folder + "/pipe", 0o600)
    try Data([0xFF, 0xFE]).write(to: URL(fileURLWithPath: folder + "/bytes"))
    for (path, size) in [
      (folder + "/pipe", 9), (folder, 9), ("/dev/zero", 9), (file, 8), (folder + "/bytes", 9),
    ] {
      #expect(throws: RegularFile.Problem.self, "\(path)") { try RegularFile.text(of: path, maxBytes: size) }
    }
    #expect(throws: Sidecar.Problem.self) { try Sidecar(readFrom: folder + "/pipe") }
    #expect(throws: ModelConfiguration.Problem.self) { try ModelConfiguration(readFrom: folder + "/pipe") }
  }
}
