import ArgumentParser
import Engine
import Foundation
import Kernels
import ModelCompiler
import ModelGraph
import ModelStore
import Settings
import Tensors

/// `fusedinf add`: compiles models and registers them.
struct AddCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add", abstract: "Compile ONNX models for this machine and register them.",
    discussion: """
      Each model is checked and optimised, and its weights are packed in the layout that the kernels want. \
      A model that exists already gets a new version. A model that fails leaves nothing behind, and the others \
      are added all the same.

      You can bound the sizes that a model leaves open. Its memory need is then known, and a model that could \
      never run within the budget is refused here:

        fusedinf add detector.onnx --shape x=1x3x32..960x32..960 --budget 64MiB

      With --weights, large weights of matrix multiplications, convolutions and lookups are stored and kept in memory with \
      16 or 8 bits, and computed with as they are. The model is run in both forms, on the inputs of --calibrate or on random \
      ones, and the largest deviation of each output is printed, as a part of the largest number there:

        fusedinf add encoder.onnx --weights int8 --calibrate samples --max-deviation 0.02

      DIR of --calibrate has a file INPUT.npy for each input, or a folder of such files for each case. A '/' in an input's \
      name is a '_' in the file's. Inputs without a file are random.
      """)

  @Argument(help: "The models' files.", completion: .file(extensions: ["onnx"]))
  var models: [String]

  @Option(
    help: ArgumentHelp("The name to register under. The default is the file's name.", valueName: "name"))
  var name: String?

  @Option(
    name: .customLong("shape"),
    help: ArgumentHelp(
      "The allowed sizes of an input: a number or a range LOW..HIGH for each axis.",
      valueName: "input=1..8x3x224x224"))
  var shapes: [String] = []

  @Option(
    help: ArgumentHelp(
      "The form of large weights; f32 leaves them as they are.", valueName: "f32|bf16|f16|int8"))
  var weights: WeightForm = .float32

  @Option(help: ArgumentHelp("Inputs to compare the forms of weights on, as .npy files.", valueName: "DIR"))
  var calibrate: String?

  @Option(
    name: .customLong("max-deviation"),
    help: ArgumentHelp(
      "Refuse a model of which an output deviates by more, such as 0.01 for 1 %.", valueName: "part"))
  var maxDeviation: Double?

  @Flag(name: .customLong("verify-graph"), help: "Check the graph after each pass.")
  var verifyGraph = false

  @OptionGroup var store: StoreOptions
  @OptionGroup var engine: EngineOptions
  @OptionGroup var output: OutputOptions

  /// The name that a file is registered under when none is given.
  private static func name(of path: String) -> String {
    URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
  }

  func validate() throws {
    for (name, paths) in Dictionary(grouping: models, by: AddCommand.name(of:)).sorted(by: { $0.key < $1.key }
    )
    where paths.count > 1 && self.name == nil {
      throw ValidationError(
        "\(paths.map { "'\($0)'" }.joined(separator: " and ")) would both be called '\(name)'; "
          + "add them one at a time, with separate names from --name")
    }
    if name != nil && models.count > 1 {
      throw ValidationError("--name names one model; \(models.count) were given")
    }
    if weights == .float32, calibrate != nil || maxDeviation != nil {
      throw ValidationError("--calibrate and --max-deviation need --weights bf16, f16 or int8")
    }
    if calibrate != nil && models.count > 1 {
      throw ValidationError("--calibrate has the inputs of one model; \(models.count) were given")
    }
    if let maxDeviation, !(maxDeviation >= 0) {
      throw ValidationError("--max-deviation takes a number from 0 on, not \(maxDeviation)")
    }
  }

  func run() async throws {
    let shapes = try parsedShapes()
    let configuration = try engine.configuration()
    let device = try engine.device()
    let engine = Engine(store: try store.open(), device: device, configuration: configuration)
    var reports: [AddReport] = []
    var failures: [AddFailure] = []
    for path in models {
      let name = name ?? AddCommand.name(of: path)
      let progress = ProgressLine(title: name)
      do {
        let options = CompilationOptions(
          shapes: shapes.mapValues(\.ranges), verifying: verifyGraph, weights: weights)
        let deviation = try await deviation(path, name, options, on: engine) { progress.show($0) }
        let added = try engine.add(
          path, name: name, options: options,
          check: { metadata in
            guard deviation.map({ $0.metadata.sourceHash == metadata.sourceHash }) ?? true else {
              throw StoreError(.invalidModel(reason: "'\(path)' changed while it was compiled; add it again"))
            }
          }, progress: { progress.show($0) })
        progress.clear()
        let report = AddReport(added, deviation)
        reports.append(report)
        if !output.json { print(report.text) }
        for note in added.metadata.notes ?? [] { notice("model '\(name)': \(note)") }
      } catch {
        progress.clear()
        complain(error)
        failures.append(AddFailure(path: path, error: explanation(of: error)))
      }
    }
    if output.json { try printJSON(AddSummary(models: reports, failures: failures)) }
    if !failures.isEmpty { throw ExitCode.failure }
  }

  /// The deviation that another form of weights makes; `nil` if none is asked for.
  /// - Throws: ``DeviationError`` if it is more than allowed.
  private func deviation(
    _ path: String, _ name: String, _ options: CompilationOptions, on engine: Engine,
    progress: @escaping (String) -> Void
  ) async throws -> WeightDeviation? {
    guard weights != .float32 else { return nil }
    let seed = try settings([:], of: KnobDeclaration.commandLine)[.seed]
    let limit = engine.configuration.budget
    let deviation = try await engine.weightDeviation(
      of: path, name: name, options: options,
      cases: {
        try CalibrationCases(directory: calibrate).tensors(for: $0, on: engine, limit: limit, seed: seed)
      }, progress: progress)
    if let maxDeviation, !(deviation.largest <= maxDeviation) {
      throw DeviationError(model: name, form: weights, deviation: deviation, limit: maxDeviation)
    }
    return deviation
  }

  private func parsedShapes() throws -> [String: ShapeRanges] {
    var result: [String: ShapeRanges] = [:]
    for text in shapes {
      guard let equals = text.lastIndex(of: "=") else {
        throw ValidationError("--shape takes INPUT=SIZES, for example x=1..8x3x224x224, not '\(text)'")
      }
      do {
        result[String(text[..<equals])] = try ShapeRanges(parsing: String(text[text.index(after: equals)...]))
      } catch { throw ValidationError("\(error)") }
    }
    return result
  }
}

/// The output of `add --json`.
private struct AddSummary: Encodable {
  var models: [AddReport]
  var failures: [AddFailure]
}

/// A model that was not added.
private struct AddFailure: Encodable {
  var path: String
  var error: String
}

/// The report of `add` about a model.
private struct AddReport: Encodable {
  var name: String
  var version: Int
  var operators: [String: Int]
  var statistics: [String: Int]
  /// The least budget that it runs under; left out, like the next, when it leaves sizes open.
  var reservedBytes: Int?
  var arenaBytes: Int?
  var sourcePath: String
  /// The source of the previous version, if that was another file.
  var previousSourcePath: String?
  private var previousVersion: Int?
  /// The form of weights, if it is not the file's; the next ones are there with it.
  var weights: String?
  /// By output, the largest deviation as a part of the largest number.
  var deviations: [String: Double]?
  /// Bytes of weights on disk and in memory, and those that the form has saved.
  var residentWeightBytes: Int?
  var savedBytes: Int?
  var notes: [String]?
  var seconds: Double

  init(_ added: AddedModel, _ deviation: WeightDeviation?) {
    weights = added.metadata.weights
    notes = added.metadata.notes
    if let deviation {
      // JSON has no infinity.
      deviations = Dictionary(
        deviation.outputs.map { ($0.name, min($0.deviation, .greatestFiniteMagnitude)) },
        uniquingKeysWith: max)
      residentWeightBytes = deviation.bytesAfter
      savedBytes = deviation.bytesBefore - deviation.bytesAfter
    }
    name = added.name
    version = added.version
    operators = added.operators
    statistics = added.metadata.statistics
    reservedBytes = added.need?.reservedBytes
    arenaBytes = added.need?.arenaBytes
    sourcePath = added.metadata.sourcePath
    previousSourcePath = added.previous?.sourcePath
    previousVersion = added.previous?.version
    let (seconds, attoseconds) = added.duration.components
    self.seconds = Double(seconds) + Double(attoseconds) / 1e18
  }

  /// The lines about another form of weights.
  private var smallWeights: String {
    guard let weights, let deviations, let residentWeightBytes, let savedBytes else { return "" }
    let before = ByteSize(bytes: residentWeightBytes + savedBytes)
    let size = "\n  weights \(weights): \(ByteSize(bytes: residentWeightBytes)) instead of \(before)"
    return deviations.sorted { $0.key < $1.key }.reduce(size) { text, output in
      text + "\n  largest deviation of '\(output.key)': \(percentage(output.value))"
    }
  }

  var text: String {
    let nodes = "\(statistics["nodes_before"] ?? 0) -> \(statistics["nodes_after"] ?? 0) nodes"
    let changes = "\(statistics["folded"] ?? 0) folded, \(statistics["fused"] ?? 0) fused"
    let bytes = ByteSize(bytes: statistics["weight_bytes"] ?? 0)
    let need =
      if let reservedBytes, let arenaBytes {
        "runs in \(ByteSize(bytes: reservedBytes)) (arena \(ByteSize(bytes: arenaBytes)))"
      } else {
        "sizes left open (see --shape)"
      }
    let time = (seconds * 100).rounded() / 100
    let change =
      previousVersion.map { " (from another file: v\($0) came from \(previousSourcePath ?? ""))" } ?? ""
    return
      "\(name) v\(version)\(change): \(counted(operators.values.reduce(0, +), "op")), \(nodes) (\(changes)), "
      + "\(counted(statistics["weights"] ?? 0, "weight")) in \(bytes), \(need), \(time) s" + smallWeights
  }
}

extension WeightForm: ExpressibleByArgument {}
