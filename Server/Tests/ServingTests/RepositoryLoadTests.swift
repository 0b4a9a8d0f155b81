import Device
import Engine
import Foundation
import Logging
import ModelCompiler
import ModelStore
import Repository
import Serving
import Testing

/// A server of a folder of models, whose compiler is a script.
private struct ScriptedRepository {
  let folder = NSTemporaryDirectory() + "fusedinf-load-\(UUID().uuidString)"
  let service: InferenceService
  private let running: Task<Void, any Error>

  /// - Parameters:
  ///   - models: the models' files, with any bytes.
  ///   - compiler: makes the script, given the folder.
  ///   - prepare: called with the engine before anything is served.
  init(
    models: [String], compiler: (String) -> String, prepare: (Engine) throws -> Void = { _ in }
  ) throws {
    let files = FileManager.default
    try files.createDirectory(atPath: folder + "/models", withIntermediateDirectories: true)
    for name in models {
      try Data("first".utf8).write(to: URL(fileURLWithPath: "\(folder)/models/\(name).onnx"))
    }
    try Data(compiler(folder).utf8).write(to: URL(fileURLWithPath: folder + "/compiler"))
    try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder + "/compiler")
    var configuration = ServiceConfiguration()
    configuration.repository = folder + "/models"
    configuration.compilerPath = folder + "/compiler"
    let engine = Engine(
      store: try ModelStore(directory: folder + "/store"), device: NullDevice(),
      configuration: EngineConfiguration(budget: 1 << 20, threads: 1))
    try prepare(engine)
    let service = InferenceService(
      engine: engine, configuration: configuration, log: Logger(label: "test"))
    self.service = service
    running = Task { try await service.repository.run() }
  }

  func end() async {
    running.cancel()
    _ = try? await running.value
    try? FileManager.default.removeItem(atPath: folder)
  }
}

/// A repository with the models `a` and `b`. `a` is compiled until it is released, and `b` is queued behind it.
private struct TwoModels {
  private let repository: ScriptedRepository
  private var folder: String { repository.folder }
  var service: InferenceService { repository.service }

  init() throws {
    repository = try ScriptedRepository(models: ["a", "b"]) { folder in
      """
      #!/bin/sh
      case "$2" in
      *'/b.onnx"'*) echo '{"reason":"b was compiled"}' ;;
      *) touch '\(folder)/begun'
        while [ ! -e '\(folder)/released' ]; do sleep 0.05; done
        echo '{"reason":"a was compiled"}' ;;
      esac
      """
    }
  }

  var isCompilingFirst: Bool { FileManager.default.fileExists(atPath: folder + "/begun") }

  func release() throws { try Data().write(to: URL(fileURLWithPath: folder + "/released")) }

  func replaceSecond() throws {
    try Data("second".utf8).write(to: URL(fileURLWithPath: folder + "/new"))
    #expect(rename(folder + "/new", folder + "/models/b.onnx") == 0)
  }

  func removeSecond() throws { try FileManager.default.removeItem(atPath: folder + "/models/b.onnx") }

  func end() async { await repository.end() }
}

/// Waits for a condition, half a minute at most.
private func eventually(_ condition: () -> Bool) async throws -> Bool {
  for _ in 0..<600 where !condition() { try await Task.sleep(for: .milliseconds(50)) }
  return condition()
}

/// A store with version 1 of `a`, and a repository with a file of that name which cannot be compiled.
private func brokenFile() throws -> ScriptedRepository {
  let examples = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../../examples")
  return try ScriptedRepository(
    models: ["a"], compiler: { _ in "#!/bin/sh\necho '{\"reason\":\"it is broken\"}'\n" }
  ) { engine in
    _ = try engine.models.add(
      examples.appendingPathComponent("add_sub.onnx").standardizedFileURL.path, name: "a",
      options: CompilationOptions())
  }
}

/// Load requests for models whose compilation is queued, or fails.
@Suite(.timeLimit(.minutes(5))) struct RepositoryLoadTests {
  /// a runs, b is queued, and a client loads b - b is replaced: it waits for the new b - or goes: there is no b
  @Test(arguments: [true, false]) func aLoadIsAnsweredAlsoWhenItsCompilationIsDropped(isReplaced: Bool)
    async throws
  {
    let models = try TwoModels()
    let answer = Locked<ServiceError?>(nil)
    #expect(try await eventually { models.isCompilingFirst })
    Task {
      do throws(ServiceError) {
        try await models.service.load("b", parameters: [:])
      } catch { answer.withLock { $0 = error } }
    }
    // The request gets to the queue meanwhile.
    try await Task.sleep(for: .seconds(1))
    if isReplaced { try models.replaceSecond() } else { try models.removeSecond() }
    if isReplaced {
      // The change is seen meanwhile, and b queued again.
      try await Task.sleep(for: .seconds(2))
      try models.release()
    }
    #expect(try await eventually { answer.withLock { $0 } != nil })
    let error = answer.withLock { $0 }
    #expect(error?.kind == (isReplaced ? .invalidRequest : .notFound), "\(String(describing: error))")
    await models.end()
  }

  /// the newest file is broken, and the model is unloaded - a client loads it: the version that there is serves again
  @Test func aBrokenFileDoesNotKeepAModelFromBeingLoaded() async throws {
    let models = try brokenFile()
    let catalog = models.service.catalog
    #expect(try await eventually { catalog.entries["a"]?.failure != nil })
    try await models.service.unload("a")
    #expect(!catalog.isReady("a", version: nil))
    try await models.service.load("a", parameters: [:])
    #expect(catalog.isReady("a", version: nil))
    #expect(catalog.entries["a"]?.failure == "it is broken")
    await models.end()
  }
}
