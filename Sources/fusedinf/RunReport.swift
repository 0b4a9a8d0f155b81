import Engine
import Executor
import Foundation
import Linker
import ModelStore

/// The measurements of `run`, as its JSON object.
struct RunReport: Encodable {
  struct Model: Encodable {
    struct Output: Encodable {
      var name: String
      var dtype: String
      var shape: [Int]
    }

    var name: String
    var planMs = 0.0
    var swapInMs = 0.0
    var firstMs = 0.0
    var bytesLoaded = 0
    var runMs: [Double] = []
    /// The shapes that inputs were drawn in whose sizes the model leaves open and nobody gave.
    var chosenShapes: [String: [Int]] = [:]
    var outputs: [Output] = []
    var error: String?
  }

  var linkUs = 0.0
  var budgetBytes: Int
  var peakResidentBytes = 0
  var arenaBytes = 0
  var uniqueWeightBytes = 0
  var wallMs: [Double] = []
  var pageFaults: [PageFaults] = []
  var models: [Model]
  /// Why members have no answer.
  var failures: [any Error] = []
  private var linkedMembers = 0

  private enum CodingKeys: String, CodingKey {
    case linkUs, budgetBytes, peakResidentBytes, arenaBytes, uniqueWeightBytes, wallMs, pageFaults, models
  }

  init(names: [String], budget: Int) {
    budgetBytes = budget
    models = names.map { Model(name: $0) }
  }

  func hasFailed(_ index: Int) -> Bool { models[index].error != nil }

  /// False when no member could even start.
  var hasRun: Bool { !wallMs.isEmpty }

  /// Notes why a member has no answer.
  mutating func fail(_ index: Int, _ error: any Error) {
    models[index].error = explanation(of: error)
    failures.append(error)
  }

  mutating func link(_ program: FusedProgram, nanoseconds: UInt64) {
    linkedMembers = program.members.count
    linkUs = Double(nanoseconds) / 1e3
    arenaBytes = program.arenaBytes
    uniqueWeightBytes = program.uniqueWeightBytes
  }

  /// Adds one repetition: the answers of the members that ran, by their place.
  mutating func add(
    _ answers: [Int: Result<MemberAnswer, any Error>], start: UInt64, end: UInt64, faults: PageFaults
  ) {
    wallMs.append(Double(end - start) / 1e6)
    pageFaults.append(faults)
    for (index, answer) in answers.sorted(by: { $0.key < $1.key }) {
      switch answer {
      case .failure(let error): fail(index, error)
      case .success(let answer):
        let timing = answer.timing
        models[index].runMs.append(Double(timing.answered - start) / 1e6)
        guard models[index].runMs.count == 1 else { continue }
        models[index].firstMs = Double(timing.answered - start) / 1e6
        models[index].swapInMs = Double(max(timing.loaded, start) - start) / 1e6
        models[index].bytesLoaded = timing.bytesLoaded
        models[index].outputs = answer.outputs.map {
          Model.Output(name: $0.name, dtype: $0.tensor.elementType.rawValue, shape: $0.tensor.shape.dims)
        }
      }
    }
  }

  /// The report for a person.
  var text: String {
    func milliseconds(_ value: Double) -> String { "\((value * 100).rounded() / 100) ms" }
    func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
    var lines = [
      "linked \(counted(linkedMembers, "model")) in \(Int(linkUs)) us: \(ByteSize(bytes: uniqueWeightBytes)) of weights, "
        + "\(ByteSize(bytes: arenaBytes)) of arena, budget \(ByteSize(bytes: budgetBytes)), "
        + "peak \(ByteSize(bytes: peakResidentBytes))"
    ]
    for model in models {
      guard !model.runMs.isEmpty else {
        lines.append("\(model.name): \(model.error ?? "no answer")")
        continue
      }
      lines.append(
        "\(model.name): plan \(milliseconds(model.planMs)), swap-in \(milliseconds(model.swapInMs)) "
          + "(\(ByteSize(bytes: model.bytesLoaded))), first answer \(milliseconds(model.firstMs)), "
          + "median of \(model.runMs.count) \(milliseconds(median(model.runMs)))")
      for (input, shape) in model.chosenShapes.sorted(by: { $0.key < $1.key }) {
        let sizes = shape.map(String.init).joined(separator: "x")
        lines.append(
          "  \(input): \(sizes) was chosen for open sizes; choose others with --shape \(model.name)/\(input)=…"
        )
      }
      for output in model.outputs { lines.append("  \(output.name): \(output.dtype)\(output.shape)") }
    }
    if !wallMs.isEmpty { lines.append("all: median \(milliseconds(median(wallMs)))") }
    return lines.joined(separator: "\n")
  }
}
