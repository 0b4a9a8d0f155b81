import ArgumentParser
import Engine
import Foundation
import Kernels
import ModelCompiler
import ModelStore

/// `fusedinf add`: compiles models and registers them.
struct AddCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add", abstract: "Compile ONNX models for this machine and register them.",
    discussion: """
      Each model is checked, optimised, and its weights are packed in the layout that the kernels want. A model that is
      there already gets a new version. Sizes that a model leaves open can be bounded, so that its memory is known:

        fusedinf add detector.onnx --shape x=1x3x32..960x32..960
      """)

  @Argument(help: "The models' files.", completion: .file(extensions: ["onnx"]))
  var models: [String]

  @Option(
    help: ArgumentHelp("The name to register under. The default is the file's name.", valueName: "name"))
  var name: String?

  @Option(
    name: .customLong("shape"),
    help: ArgumentHelp(
      "The sizes that an input may have: a number or a range LOW..HIGH for each axis.",
      valueName: "input=1..8x3x224x224"))
  var shapes: [String] = []

  @Flag(name: .customLong("verify-graph"), help: "Check the graph after each pass.")
  var verifyGraph = false

  @OptionGroup var store: StoreOptions
  @OptionGroup var engine: EngineOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if name != nil && models.count > 1 {
      throw ValidationError("--name names one model; \(models.count) were given")
    }
  }

  func run() async throws {
    let shapes = try parsedShapes()
    let configuration = try engine.configuration()
    let engine = Engine(store: try store.open(), device: try CPUDevice(), configuration: configuration)
    var reports: [AddReport] = []
    for path in models {
      let name = name ?? URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
      let progress = ProgressLine(title: name)
      defer { progress.clear() }
      let added = try engine.models.add(
        path, name: name,
        options: CompilationOptions(shapes: shapes.mapValues(\.ranges), verifying: verifyGraph),
        progress: { progress.show($0) })
      progress.clear()
      let report = AddReport(added)
      if output.json { reports.append(report) } else { print(report.text) }
    }
    if output.json { try printJSON(["models": reports]) }
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

/// What `add` prints of one model.
private struct AddReport: Encodable {
  var name: String
  var version: Int
  var operators: [String: Int]
  var statistics: [String: Int]
  var seconds: Double

  init(_ added: AddedModel) {
    name = added.name
    version = added.version
    operators = added.operators
    statistics = added.metadata.statistics
    let (seconds, attoseconds) = added.duration.components
    self.seconds = Double(seconds) + Double(attoseconds) / 1e18
  }

  var text: String {
    let nodes = "\(statistics["nodes_before"] ?? 0) -> \(statistics["nodes_after"] ?? 0) nodes"
    let changes = "\(statistics["folded"] ?? 0) folded, \(statistics["fused"] ?? 0) fused"
    let bytes = ByteSize(bytes: statistics["weight_bytes"] ?? 0)
    let time = (seconds * 100).rounded() / 100
    return "\(name) v\(version): \(operators.values.reduce(0, +)) ops, \(nodes) (\(changes)), "
      + "\(statistics["weights"] ?? 0) weights in \(bytes), \(time) s"
  }
}
