import Engine
import Executor
import Foundation
import Linker

/// What `run` measured, as its JSON object.
struct RunReport: Encodable {
  struct Model: Encodable {
    struct Output: Encodable {
      var name: String
      var dtype: String
      var shape: [Int]
    }

    var name: String
    var planMs: Double
    var swapInMs = 0.0
    var firstMs = 0.0
    var bytesLoaded = 0
    var runMs: [Double] = []
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

  private enum CodingKeys: String, CodingKey {
    case linkUs, budgetBytes, peakResidentBytes, arenaBytes, uniqueWeightBytes, wallMs, pageFaults, models
  }

  init(members: [RunMember], budget: Int) {
    budgetBytes = budget
    models = members.map { Model(name: $0.model.name, planMs: Double($0.planNanoseconds) / 1e6) }
  }

  mutating func link(_ program: FusedProgram, nanoseconds: UInt64) {
    linkUs = Double(nanoseconds) / 1e3
    arenaBytes = program.arenaBytes
    uniqueWeightBytes = program.uniqueWeightBytes
  }

  /// Adds one repetition.
  mutating func add(
    _ answers: [Result<MemberAnswer, any Error>], start: UInt64, end: UInt64, faults: PageFaults
  ) {
    wallMs.append(Double(end - start) / 1e6)
    pageFaults.append(faults)
    for (index, answer) in answers.enumerated() {
      switch answer {
      case .failure(let error):
        models[index].error = "\(error)"
        failures.append(error)
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
      "linked \(models.count) models in \(Int(linkUs)) us: \(ByteSize(bytes: uniqueWeightBytes)) of weights, "
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
      for output in model.outputs { lines.append("  \(output.name): \(output.dtype)\(output.shape)") }
    }
    if !wallMs.isEmpty { lines.append("all: median \(milliseconds(median(wallMs)))") }
    return lines.joined(separator: "\n")
  }
}
