import Device
import Engine
import Foundation
import Linker
import ModelCompiler
import Tensors
import Testing

/// Models whose shapes depend on data, with onnxruntime's answers (`scripts/make-data-shape-fixtures.py`).
struct DataShapeCase: Decodable, Sendable {
  struct Port: Decodable, Sendable {
    var name: String
    var type: String
    var shape: [Int]
    var values: [Float]

    var tensor: Tensor {
      get throws {
        let shape = try Shape(checking: shape)
        return type == "bool"
          ? try Tensor(values.map { $0 != 0 }, shape: shape) : try Tensor(values, shape: shape)
      }
    }
  }
  var model: String
  var inputs: [Port]
  var outputs: [Port]

  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/data-shapes")

  static func all() throws -> [DataShapeCase] {
    try JSONDecoder().decode(
      [DataShapeCase].self, from: Data(contentsOf: folder.appending(path: "cases.json")))
  }
}

extension ModelRepository {
  /// Adds one of the models whose shapes depend on data.
  func addFixture(_ name: String, as other: String? = nil) throws {
    _ = try add(
      DataShapeCase.folder.appending(path: "\(name).onnx").path, name: other ?? name,
      options: CompilationOptions(verifying: true))
  }
}

@Suite("Shapes that depend on data", .timeLimit(.minutes(10)))
struct DataShapeTests {
  static let names = ["select", "branch", "nested"]

  /// An engine with the three models, and its folder.
  private func bench(
    budget: Int = 64 << 20, deterministic: Bool
  ) throws -> (folder: TemporaryFolder, engine: Engine, models: [String: LinkableModel]) {
    let folder = TemporaryFolder()
    let engine = try Engine(store: folder.path, budget: budget, deterministic: deterministic)
    for name in DataShapeTests.names { try engine.models.addFixture(name) }
    let models = try DataShapeTests.names.map { ($0, try engine.models.open($0)) }
    return (folder, engine, Dictionary(uniqueKeysWithValues: models))
  }

  private func member(
    _ one: DataShapeCase, _ engine: Engine, _ models: [String: LinkableModel]
  ) throws -> TestMember {
    try engine.member(try #require(models[one.model]), inputs: try one.inputs.map { try $0.tensor })
  }

  @Test(
    "a model that branches, or selects by what it computes, answers as onnxruntime does",
    arguments: [true, false])
  func answers(deterministic: Bool) async throws {
    let (folder, engine, models) = try bench(deterministic: deterministic)
    defer { withExtendedLifetime(folder) {} }
    for one in try DataShapeCase.all() {
      let answer = try await engine.run([try member(one, engine, models)])[0].get()
      #expect(answer.count == one.outputs.count)
      for (output, found) in zip(one.outputs, answer) {
        #expect(try found.isClose(to: try output.tensor), "\(one.model), \(output.name) \(output.shape)")
      }
    }
  }

  @Test("a rest that needs more arena than its start gets it, in the first run and in a rest of a rest")
  func largerArena() async throws {
    let (folder, engine, models) = try bench(deterministic: true)
    defer { withExtendedLifetime(folder) {} }
    for name in DataShapeTests.names {
      let one = try #require(try DataShapeCase.all().first { $0.model == name })
      let first = try member(one, engine, models)
      let before = first.plan.memberMemory.arenaBytes
      let answer = try await engine.run([first])[0].get()
      #expect(first.plan.memberMemory.arenaBytes > before, "\(name)")
      #expect(try await engine.run([first])[0].get() == answer)
    }
  }

  @Test(
    "a member that starts again holds nothing once it has answered, and tells all that was brought in for it")
  func startedAgain() async throws {
    let (folder, engine, models) = try bench(deterministic: true)
    defer { withExtendedLifetime(folder) {} }
    for name in DataShapeTests.names {
      let one = try #require(try DataShapeCase.all().first { $0.model == name })
      let first = try member(one, engine, models)
      let before = first.plan.memberMemory.arenaBytes
      engine.residency.evictIdle()
      let answers = await engine.executor.run(
        try engine.link([first.plan]), inputs: [first.inputs], way: .mapped)
      #expect(engine.residency.snapshot.items.allSatisfy { $0.leases == 0 })
      #expect(first.plan.memberMemory.arenaBytes > before)
      #expect(try answers[0].get().timing.bytesLoaded == first.plan.reservedExtentBytes)
      #expect(first.plan.reservedExtentBytes > 0)
    }
  }

  @Test(
    "what a rest gives counts: the tensors of a granted request are never more than was reserved for them")
  func tensorsOfRests() async throws {
    let (folder, engine, models) = try bench(deterministic: true)
    defer { withExtendedLifetime(folder) {} }
    let model = try #require(models["select"])
    // All rows are kept, so the rest's result is three times the input.
    let kept = try #require(
      try DataShapeCase.all().first { $0.model == "select" && $0.outputs[1].shape[0] == 0 })
    let rows = kept.inputs[0].values.prefix(4).map { -$0 }
    let input = try Tensor(
      Array(repeating: rows, count: 5000).flatMap { $0 }, shape: Shape(checking: [5000, 4]))
    let granted = Locked(0)
    engine.residency.onChange = { event in
      if case .granted(_, let bytes) = event.change { granted.withLock { $0 = bytes } }
    }
    let answer = try await engine.run([try engine.member(model, inputs: [input])])[0].get()
    #expect(answer[1].shape.dims == [5000, 12])
    #expect(granted.withLock { $0 } >= answer.reduce(input.byteCount) { $0 + $1.byteCount })
  }

  @Test("fused, all of them at once and under a budget for one: the bits of lone runs")
  func fused() async throws {
    let (folder, engine, models) = try bench(deterministic: true)
    defer { withExtendedLifetime(folder) {} }
    let cases = try DataShapeCase.all()
    let members = try cases.map { try member($0, engine, models) }
    let alone = try await engine.aloneAnswers(members)
    let largest = try #require(members.map(\.neededBytes).max())
    for budget in [64 << 20, largest + pageSize] {
      // Each engine learns anew what the rests take.
      let other = try Engine(store: folder.path, budget: budget)
      let watch = BudgetWatch(other)
      let opened = try DataShapeTests.names.map { ($0, try other.models.open($0)) }
      for _ in 0..<20 {
        let members = try cases.map { try member($0, other, Dictionary(uniqueKeysWithValues: opened)) }
        #expect(try await other.run(members).map { try $0.get() } == alone)
      }
      #expect(watch.peakBytes <= budget)
    }
  }
}
