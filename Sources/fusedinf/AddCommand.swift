import ArgumentParser
import Engine
import Foundation
import Kernels
import ModelCompiler
import ModelStore
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
        let added = try engine.add(
          path, name: name,
          options: CompilationOptions(shapes: shapes.mapValues(\.ranges), verifying: verifyGraph),
          progress: { progress.show($0) })
        progress.clear()
        reports.append(AddReport(added))
        if !output.json { print(AddReport(added).text) }
      } catch {
        progress.clear()
        complain(error)
        failures.append(AddFailure(path: path, error: explanation(of: error)))
      }
    }
    if output.json { try printJSON(AddSummary(models: reports, failures: failures)) }
    if !failures.isEmpty { throw ExitCode.failure }
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
  var seconds: Double

  init(_ added: AddedModel) {
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
      + "\(counted(statistics["weights"] ?? 0, "weight")) in \(bytes), \(need), \(time) s"
  }
}
