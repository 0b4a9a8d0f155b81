import Foundation
import Testing

/// The built program, which lies beside the tests, and a store of its own for as long as this object lives.
final class Program: Sendable {
  struct Outcome {
    /// The exit status; a signal's number, negative, when that ended the program.
    var status: Int32
    var output: String
    var messages: String
  }

  let folder: String
  /// A model of four nodes with open sizes: image[batch, 3, ?, ?] to logits.
  static let network = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "ONNXFormatTests/Fixtures/network.onnx").path

  /// x: float16[2, 2] to `a/b` and `a_b`, float16[2, 2], and `sizes`, int64[2] (`scripts/make-command-fixtures.py`).
  static let outputs = fixture("outputs")
  /// x: float32[batch, ?] to `y`; the second size has to be 16.
  static let picky = fixture("picky")
  /// x: float32[rows, 256] to `y`, image: float32[1, 64, 8, 8] to `z`, with 272 KiB of weights.
  static let weights = fixture("weights")

  private static func fixture(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fixtures/commands/\(name).onnx").path
  }

  init() throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "fusedinf-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    folder = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// Runs the program to its end.
  func run(_ arguments: [String], environment: [String: String] = [:]) async throws -> Outcome {
    let tests = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    let environment = ProcessInfo.processInfo.environment
      .merging(["FUSEDINF_STORE": folder + "/store"]) { $1 }
      .merging(environment) { $1 }
    // Files, not pipes: nobody has to read while it runs.
    let files = (output: folder + "/output", messages: folder + "/messages")
    let status = try await finish(
      try start(
        tests.deletingLastPathComponent().appending(path: "fusedinf").path, arguments, environment,
        output: files.output, messages: files.messages))
    return Outcome(
      status: status, output: try String(contentsOfFile: files.output, encoding: .utf8),
      messages: try String(contentsOfFile: files.messages, encoding: .utf8))
  }

  /// Runs the program, which must succeed, and reads the JSON object that it prints.
  func json(_ arguments: [String]) async throws -> [String: Any] {
    let outcome = try await run(arguments + ["--json"])
    try #require(outcome.status == 0, "\(outcome.messages)")
    return try outcome.object
  }

  /// Starts a program and gives its number.
  ///
  /// Not Foundation's `Process`: it learns of a child's end through a socket that every other child inherits, so beside
  /// exit tests, which start children too, it waits for those as well.
  private func start(
    _ program: String, _ arguments: [String], _ environment: [String: String], output: String,
    messages: String
  ) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    posix_spawn_file_actions_addopen(&actions, 2, messages, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    var texts = ([program] + arguments).map { strdup($0) } + [nil]
    var settings = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in texts + settings { free(text) } }
    var process: pid_t = 0
    let failure = posix_spawn(&process, program, &actions, nil, &texts, &settings)
    try #require(failure == 0, "'\(program)' cannot be started: \(String(cString: strerror(failure)))")
    return process
  }

  /// Waits for the end of this one process, on a thread of its own: the tests' threads are few.
  private func finish(_ process: pid_t) async throws -> Int32 {
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread {
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 {
          if errno == EINTR { continue }
          return continuation.resume(throwing: POSIXError(POSIXError.Code(rawValue: errno) ?? .ECHILD))
        }
        let signal = status & 0x7f
        continuation.resume(returning: signal == 0 ? status >> 8 & 0xff : -signal)
      }
    }
  }
}

extension Program.Outcome {
  /// The JSON object that was printed.
  var object: [String: Any] {
    get throws {
      try #require(JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
    }
  }
}
