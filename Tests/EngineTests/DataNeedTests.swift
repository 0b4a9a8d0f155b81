import Device
import Engine
import Foundation
import Linker
import ModelCompiler
import ModelGraph
import Residency
import Tensors
import Testing

/// Models whose need of memory depends on data, with onnxruntime's answers (`scripts/make-need-fixtures.py`).
struct DataNeedCase: Decodable, Sendable, CustomTestStringConvertible {
  struct Port: Decodable, Sendable {
    var name: String
    var type: String
    var shape: [Int]
    /// One value stands for all elements.
    var values: [Double]

    var tensor: Tensor {
      get throws {
        let shape = try Shape(checking: shape)
        let all = values.count == 1 ? Array(repeating: values[0], count: shape.elementCount) : values
        return switch type {
        case "bool": try Tensor(all.map { $0 != 0 }, shape: shape)
        case "int64": try Tensor(all.map { Int64($0) }, shape: shape)
        default: try Tensor(all.map { Float($0) }, shape: shape)
        }
      }
    }
  }
  struct Request: Decodable, Sendable {
    /// `small` has an answer, `large` needs more than the budget, `wrong` is one that the model cannot work on.
    var kind: String
    var inputs: [Port]
    var outputs: [Port]?
  }
  var model: String
  var requests: [Request]

  var testDescription: String { model }
  var small: [Request] { requests.filter { $0.kind == "small" } }

  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/needs")

  static let all = Result {
    try JSONDecoder().decode(
      [DataNeedCase].self, from: Data(contentsOf: folder.appending(path: "cases.json")))
  }
  static func with(_ kind: String) -> [DataNeedCase] {
    ((try? all.get()) ?? []).filter { one in one.requests.contains { $0.kind == kind } }
  }
}

@Suite("Needs that depend on data", .timeLimit(.minutes(10)))
struct DataNeedTests {
  private struct Bench {
    let folder = TemporaryFolder()
    let engine: Engine
    let model: LinkableModel

    init(_ one: DataNeedCase, budget: Int = 1 << 20) throws {
      engine = try Engine(store: folder.path, budget: budget)
      _ = try engine.models.add(
        DataNeedCase.folder.appending(path: "\(one.model).onnx").path, name: one.model,
        options: CompilationOptions(verifying: true))
      model = try engine.models.open(one.model)
    }

    func run(_ request: DataNeedCase.Request) async throws -> [Tensor] {
      try await engine.run([engine.member(model, inputs: try request.inputs.map { try $0.tensor })])[0].get()
    }

    func checkAnswer(_ request: DataNeedCase.Request) async throws {
      let outputs = try #require(request.outputs)
      for (output, found) in zip(outputs, try await run(request)) {
        #expect(try found.isClose(to: try output.tensor), "\(output.name) \(output.shape)")
      }
    }
  }

  @Test("the cases are there") func areThere() throws {
    #expect(try DataNeedCase.all.get().count > 20)
  }

  @Test("a small request is answered as by onnxruntime", arguments: DataNeedCase.with("small"))
  func small(_ one: DataNeedCase) async throws {
    let bench = try Bench(one)
    for request in one.small { try await bench.checkAnswer(request) }
  }

  @Test(
    "a need above the budget is refused and not learnt: what is small is answered afterwards",
    arguments: DataNeedCase.with("large"))
  func neverLearnt(_ one: DataNeedCase) async throws {
    let bench = try Bench(one)
    for request in one.requests where request.kind == "large" {
      for _ in 0..<2 {
        let error = await #expect(throws: LinkError.self) { _ = try await bench.run(request) }
        #expect(error?.isTooLarge == true)
        for request in one.small { try await bench.checkAnswer(request) }
      }
    }
    #expect(bench.engine.residency.snapshot.items.allSatisfy { $0.leases == 0 })
  }

  @Test("what a model cannot work on is the request's fault", arguments: DataNeedCase.with("wrong"))
  func wrong(_ one: DataNeedCase) async throws {
    let bench = try Bench(one)
    for request in one.requests where request.kind == "wrong" {
      let error = await #expect(throws: (any Error).self) { _ = try await bench.run(request) }
      let isRequests =
        switch error {
        case let error as DeviceError: error.kind == .invalidData
        case let error as LinkError: error.isCallers
        case is GraphError, is TensorError: true
        default: false
        }
      #expect(isRequests, "\(error.map { "\($0)" } ?? "none")")
      for request in one.small { try await bench.checkAnswer(request) }
    }
  }

  @Test("what NonZero finds is counted before there is memory for it")
  func counted() async throws {
    let one = try #require(try DataNeedCase.all.get().first { $0.model == "non-zeros" })
    let bench = try Bench(one, budget: 64 << 20)
    // 15 MB, and 1.9 GB of indices along 16 axes.
    let input = try Tensor(elementType: .bool, shape: [15_000_000]) { bytes in
      for index in bytes.indices { bytes[index] = 1 }
    }
    let before = ProcessPeak.now
    let error = await #expect(throws: LinkError.self) {
      _ = try await bench.engine.run([bench.engine.member(bench.model, inputs: [input])])[0].get()
    }
    #expect(error?.isTooLarge == true)
    #expect(ProcessPeak.now - before < 1 << 30)
  }

  // weights  x |pinned============================|     what was learnt does not fit beside them, what is small does
  @Test("what was learnt keeps nobody out when others are pinned later")
  func pinnedLater() async throws {
    let one = try #require(try DataNeedCase.all.get().first { $0.model == "expand" })
    let bench = try Bench(one)
    let large = try Tensor([Int64(120_000)], shape: [1])
    let input = try Tensor([Float(2)], shape: [1])
    _ = try await bench.engine.run([bench.engine.member(bench.model, inputs: [input, large])])[0].get()
    let id = ItemID.arena(1 << 60)
    let pinned = ResidencyItem(id: id, byteCount: 768 << 10, reloadCost: 1)
    let lease = try await bench.engine.residency.reserve(
      owner: "pinned", items: [ItemRequest(item: pinned, source: .allocate)], exclusiveBytes: 0)
    bench.engine.residency.pin(id)
    lease.release()
    for request in one.small { try await bench.checkAnswer(request) }
  }
}

/// The most memory that this process has had.
enum ProcessPeak {
  static var now: Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss * 1024
  }
}
