import Device
import Engine
import Executor
import Foundation
import Kernels
import Linker
import ModelStore
import Synchronization
import Tensors
import Testing

let removedAtExit = Locked<[String]>([])

enum TestDevice {
  static let shared = Result { try CPUDevice() }
}

/// A model that is ready to be linked, with tensors to run it on.
struct TestMember: Sendable {
  var plan: Plan
  var inputs: [Tensor]

  /// Bytes that it needs at once when it runs alone.
  var neededBytes: Int {
    plan.reservedExtentBytes + plan.memberMemory.arenaBytes + roundedToPages(plan.memberMemory.requestBytes)
  }
}

extension Engine {
  /// An engine of two lanes on the `cpu` device.
  convenience init(
    store: String, budget: Int = 1 << 30, deterministic: Bool = true, planCacheBytes: Int = 256 << 20,
    device: (any Device)? = nil
  ) throws {
    self.init(
      store: try ModelStore(directory: store), device: try device ?? TestDevice.shared.get(),
      configuration: EngineConfiguration(
        budget: budget, threads: 2, deterministic: deterministic, planCacheBytes: planCacheBytes))
  }

  /// A model of the store with the inputs of one of its reference cases, the first when none is named.
  func member(_ name: String, case caseName: String? = nil) throws -> TestMember {
    try member(try models.open(name), case: caseName)
  }

  func member(_ model: LinkableModel, case caseName: String? = nil) throws -> TestMember {
    let reference = try ReferenceModel.named(model.name)
    let found = try reference.case(caseName ?? reference.cases.first?.name ?? "")
    let tensors = try ReferenceModel.tensors(found.inputs)
    return try member(model, inputs: model.graph.inputs.map { try #require(tensors[model.graph[$0].name]) })
  }

  func member(_ model: LinkableModel, inputs: [Tensor]) throws -> TestMember {
    TestMember(
      plan: try planner.plan(model, inputs: inputs.map { ($0.elementType, $0.shape) }), inputs: inputs)
  }

  /// Runs members as one program.
  func run(
    _ members: [TestMember], way: LoadRequest.Way = .mapped, trace: Trace? = nil
  ) async throws -> [Result<[Tensor], any Error>] {
    await run(try link(members.map(\.plan)), members, way: way, trace: trace)
  }

  func run(
    _ program: FusedProgram, _ members: [TestMember], way: LoadRequest.Way = .mapped, trace: Trace? = nil
  ) async -> [Result<[Tensor], any Error>] {
    let answers = await executor.run(program, inputs: members.map(\.inputs), way: way, trace: trace)
    return answers.map { $0.map { $0.outputs.map(\.tensor) } }
  }

  /// Returns each model's answer when it runs alone.
  func aloneAnswers(_ members: [TestMember]) async throws -> [[Tensor]] {
    var answers: [[Tensor]] = []
    for member in members { answers.append(try await run([member])[0].get()) }
    return answers
  }
}

/// Notes every event of an engine's residency that exceeds its budget.
final class BudgetWatch: Sendable {
  private let peak = Atomic<Int>(0)
  private let changes = Atomic<Int>(0)

  init(_ engine: Engine) {
    engine.residency.onChange = { [self] event in
      peak.max(event.residentBytes, ordering: .relaxed)
      changes.add(1, ordering: .relaxed)
    }
  }

  var peakBytes: Int { peak.load(ordering: .relaxed) }
  var changeCount: Int { changes.load(ordering: .relaxed) }
}

extension Tensor {
  /// True when every element lies within 1e-4 of the largest of `reference` and 1e-3 of its own.
  func isClose(to reference: Tensor) throws -> Bool {
    guard elementType == reference.elementType, shape == reference.shape else { return false }
    guard elementType == .float32 else { return self == reference }
    let (found, expected) = (try elements(as: Float.self), try reference.elements(as: Float.self))
    let largest = expected.map(abs).max() ?? 0
    return zip(found, expected).allSatisfy { abs($0 - $1) <= 1e-4 * largest + 1e-3 * abs($1) }
  }
}

/// A small generator with a seed (SplitMix64, G. Steele, D. Lea and C. Flood, 2014).
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
