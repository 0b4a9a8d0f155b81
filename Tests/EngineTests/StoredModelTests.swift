import Device
import Engine
import Foundation
import ModelStore
import Synchronization
import Tensors
import Testing

@Suite("Compiled models that cannot be used are compiled again", .timeLimit(.minutes(10)))
struct StoredModelTests {
  /// A store with the model `branch`, what it answers, and the one line that says why it was compiled again.
  fileprivate struct Bench {
    let folder = TemporaryFolder()
    let engine: Engine
    let inputs: [Tensor]
    let expected: [Tensor]

    init() throws {
      engine = try Engine(store: folder.path)
      try engine.models.addFixture("branch")
      let one = try #require(try DataShapeCase.all().first { $0.model == "branch" })
      inputs = try one.inputs.map { try $0.tensor }
      expected = try one.outputs.map { try $0.tensor }
    }

    var file: String { folder.path + "/models/branch/1/model.fused" }

    /// Opens and runs the model; the reasons for which it was compiled again.
    func notices() async throws -> [String] {
      let notices = Locked<[String]>([])
      let model = try engine.models.open("branch") { text in notices.withLock { $0.append(text) } }
      #expect(model.file.metadata.target == engine.device.target.description)
      let answer = try await engine.run([try engine.member(model, inputs: inputs)])[0].get()
      for (found, expected) in zip(answer, expected) { #expect(try found.isClose(to: expected)) }
      return notices.withLock { $0 }
    }
  }

  @Test("one of another target")
  func anotherTarget() async throws {
    let bench = try Bench()
    #expect(try await bench.notices() == [])
    // Another machine has compiled it in the same store.
    let other = try Engine(store: bench.folder.path, device: NullDevice())
    try other.models.recompile("branch")
    let notices = try await bench.notices()
    #expect(notices.count == 1)
    #expect(notices[0].contains("'branch'") && notices[0].contains("\(other.device.target)"))
    #expect(try await bench.notices() == [])
  }

  @Test(
    "one with a byte altered in its header, its description or its magic, one cut short and one of no bytes")
  func damaged() async throws {
    let bench = try Bench()
    let size = try bench.bytes().count
    for offset in [3, 8, 40, 70, 100, 500, size - 5, size - 2000] {
      var bytes = try bench.bytes()
      bytes[offset] ^= 0x10
      try bench.write(bytes)
      #expect(try await bench.notices().count == 1, "byte \(offset)")
    }
    for length in [0, 100, 512, size - 1] {
      try bench.write(try bench.bytes().prefix(length))
      #expect(try await bench.notices().count == 1, "\(length) bytes")
    }
    try FileManager.default.removeItem(atPath: bench.folder.path + "/models/branch/1/model.fused")
    #expect(try await bench.notices().count == 1, "no file")
    #expect(try await bench.notices() == [])
  }

  @Test("one whose graph cannot be decoded, and one whose graph names weights that are not in the file")
  func undecodable() async throws {
    let bench = try Bench()
    let whole = try bench.engine.models.store.open("branch")
    #expect(!whole.weights.isEmpty)
    for graph in [[], [1, 2, 3], Array(whole.graph.dropLast()), whole.graph] {
      // Whole to its last checksum, and nevertheless of no use: what a program with an error has written.
      try bench.engine.models.store.replaceCompiled("branch", version: 1) { path in
        try CompiledModelWriter(path: path).finish(graph: graph, metadata: whole.metadata)
      }
      let notices = try await bench.notices()
      #expect(notices.count == 1 && notices[0].contains("graph"), "\(notices)")
    }
    #expect(try await bench.notices() == [])
  }

  @Test("a damaged one whose source is gone too is an error that says both, and what to do")
  func sourceGone() throws {
    let bench = try Bench()
    try bench.write(try bench.bytes().prefix(1000))
    try FileManager.default.removeItem(atPath: bench.folder.path + "/models/branch/1/source")
    let error = #expect(throws: (any Error).self) { try bench.engine.models.open("branch") }
    let text = "\(try #require(error))"
    #expect(text.contains("'branch'") && text.contains("source") && text.contains("damaged"), "\(text)")
    #expect(text.contains("add"), "\(text)")
    // Nothing was made worse.
    #expect(try bench.engine.models.store.list().map(\.name) == ["branch"])
  }

  // target A   finds B's  |= compile =| uses its own   finds B's …
  // target B      finds A's |= compile =| uses its own   …
  @Test("machines of two targets that open one model of one store all the time each get what they compiled")
  func twoTargets() async throws {
    let bench = try Bench()
    let other = try Engine(store: bench.folder.path, device: NullDevice())
    try await withThrowingTaskGroup(of: Void.self) { group in
      for engine in [bench.engine, other] {
        group.addTask {
          for _ in 0..<40 {
            let model = try engine.models.open("branch")
            #expect(model.file.metadata.target == engine.device.target.description)
          }
        }
      }
      try await group.waitForAll()
    }
    _ = try await bench.notices()
  }

  // engine A   open, run |====| run |====| run |====|
  // engine B                removes it      adds it again
  @Test("a model that another process removes, or adds again, stays usable where it is open")
  func removedElsewhere() async throws {
    let bench = try Bench()
    let model = try bench.engine.models.open("branch")
    let member = try bench.engine.member(model, inputs: bench.inputs)
    let answer = try await bench.engine.run([member])[0].get()
    let other = try Engine(store: bench.folder.path)
    try other.models.store.remove("branch")
    bench.engine.residency.evictIdle()
    #expect(try await bench.engine.run([member])[0].get() == answer)
    let error = try #require(throws: StoreError.self) { try bench.engine.models.open("branch") }
    #expect(error.kind == .notFound)
    try other.models.addFixture("select", as: "branch")
    bench.engine.residency.evictIdle()
    #expect(try await bench.engine.run([member])[0].get() == answer)
    #expect(try bench.engine.models.open("branch").graph.outputs.count == 2)
  }
}

extension StoredModelTests.Bench {
  fileprivate func bytes() throws -> Data { try Data(contentsOf: URL(fileURLWithPath: file)) }

  /// Puts other bytes in the compiled model's place, as a new file.
  fileprivate func write(_ bytes: Data) throws {
    try FileManager.default.removeItem(atPath: file)
    try bytes.write(to: URL(fileURLWithPath: file))
  }
}
