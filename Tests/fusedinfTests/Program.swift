import Foundation
import Testing

/// The built program, which lies beside the tests, and a store of its own for as long as this object lives.
final class Program {
  struct Outcome {
    var status: Int32
    var output: String
    var messages: String
  }

  let folder: String
  /// A model of four nodes with open sizes: image[batch, 3, ?, ?] to logits.
  static let network = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "ONNXFormatTests/Fixtures/network.onnx").path

  init() throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "fusedinf-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    folder = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// Runs the program to its end.
  func run(_ arguments: [String], environment: [String: String] = [:]) throws -> Outcome {
    let tests = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    let process = Process()
    process.executableURL = tests.deletingLastPathComponent().appending(path: "fusedinf")
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment
      .merging(["FUSEDINF_STORE": folder + "/store", "OMP_WAIT_POLICY": "passive"]) { $1 }
      .merging(environment) { $1 }
    // Files, not pipes: nobody has to read while it runs.
    let files = try ["output", "messages"].map { name in
      let path = "\(folder)/\(name)"
      try Data().write(to: URL(fileURLWithPath: path))
      return (path, try #require(FileHandle(forWritingAtPath: path)))
    }
    (process.standardOutput, process.standardError) = (files[0].1, files[1].1)
    try process.run()
    process.waitUntilExit()
    let texts = try files.map { try String(contentsOfFile: $0.0, encoding: .utf8) }
    return Outcome(status: process.terminationStatus, output: texts[0], messages: texts[1])
  }

  /// Runs the program, which must succeed, and reads the JSON object that it prints.
  func json(_ arguments: [String]) throws -> [String: Any] {
    let outcome = try run(arguments + ["--json"])
    try #require(outcome.status == 0, "\(outcome.messages)")
    return try #require(JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
  }
}
