import ArgumentParser
import Engine
import Foundation
import Kernels
import Linker
import ModelGraph
import ModelStore

/// `fusedinf list`: what is registered.
struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the registered models.")

  @OptionGroup var store: StoreOptions
  @OptionGroup var engine: EngineOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let directory = try store.directory()
    let store = try store.open()
    let entries = try store.list()
    if output.json {
      let needs = try StoredNeeds(of: store, engine.configuration())
      return try printJSON(["models": entries.map { ListedModel($0, need: needs.need(of: $0)) }])
    }
    if entries.isEmpty {
      return notice("no models yet in \(directory); add one with 'fusedinf add MODEL.onnx'")
    }
    let width = entries.map(\.name.count).max() ?? 0
    for entry in entries {
      let name = entry.name.padding(toLength: width, withPad: " ", startingAt: 0)
      let versions = entry.versions.map(String.init).joined(separator: ",")
      let state =
        if case .unusable(let reason) = entry.state { "to be recompiled: \(reason)" } else { "ready" }
      let weights = entry.metadata?.weights.map { ", weights \($0)" } ?? ""
      print("\(name)  v\(versions)  \(ByteSize(bytes: entry.byteCount))  \(state)\(weights)")
    }
  }
}

/// `fusedinf remove`: unregisters models.
struct RemoveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Remove models from the store. Running requests finish.")

  @Argument(help: "The models' names.") var names: [String]
  @Option(name: .customLong("model-version"), help: "Only this version.") var modelVersion: Int?
  @OptionGroup var store: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let store = try store.open()
    for name in names { try store.remove(name, version: modelVersion) }
    if output.json { try printJSON(["removed": names]) }
  }
}

/// `fusedinf verify`: checks stored models to the last byte.
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Check stored models, every byte of their weights included.")

  @Argument(help: "The models' names; all models if none is given.") var names: [String] = []
  @Flag(help: "Recompile damaged models from their stored sources.") var repair = false
  @OptionGroup var store: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let store = try store.open()
    let models = ModelRepository(store: store, device: try CPUDevice())
    var results = try names.isEmpty ? store.verify(nil) : names.flatMap { try store.verify($0) }
    if repair {
      for result in results where result.compiledProblem != nil {
        try models.recompile(result.name, version: result.version)
      }
      results = try names.isEmpty ? store.verify(nil) : names.flatMap { try store.verify($0) }
    }
    if output.json {
      try printJSON(["models": results])
    } else {
      for result in results {
        let problems = [result.compiledProblem].compactMap { $0 } + result.sourceProblems
        print(
          "\(result.name) v\(result.version): \(problems.isEmpty ? "ok" : problems.joined(separator: "; "))")
      }
    }
    if results.contains(where: { !$0.isIntact }) { throw ExitCode(1) }
  }
}

/// `fusedinf inspect`: everything that is known of one model.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Show a model: its inputs, outputs, weights and nodes.")

  @Argument(help: "The model's name.") var name: String
  @Option(name: .customLong("model-version"), help: "The version to show; the newest if left out.")
  var modelVersion: Int?
  @Flag(help: "Also print the compiled graph, one node per line.") var graph = false
  @OptionGroup var store: StoreOptions
  @OptionGroup var engine: EngineOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let store = try store.open()
    let file = try store.open(name, version: modelVersion)
    let need = try StoredNeeds(of: store, engine.configuration()).need(of: file)
    let inspection = Inspection(file, need: need)
    if output.json { return try printJSON(inspection) }
    let metadata = file.metadata
    print("\(metadata.name) v\(metadata.version), opset \(metadata.opset), packed for \(metadata.target)")
    for (kind, ports) in [("input ", metadata.inputs), ("output", metadata.outputs)] {
      for port in ports { print("  \(kind)  \(port)") }
    }
    for (input, shape) in metadata.declaredShapes.sorted(by: { $0.key < $1.key }) {
      print("  declared  \(input): \(shape)")
    }
    if let weights = metadata.weights { print("  weights  \(weights)") }
    for note in metadata.notes ?? [] { print("  note  \(note)") }
    if let need {
      print(
        "  runs in \(ByteSize(bytes: need.reservedBytes)) (arena \(ByteSize(bytes: need.arenaBytes)))")
    }
    print(
      "  \(counted(file.weights.count, "weight")) in \(counted(file.extents.count, "extent")), \(ByteSize(bytes: inspection.weightBytes)), "
        + "\(file.path)")
    for (key, value) in metadata.statistics.sorted(by: { $0.key < $1.key }) { print("  \(key): \(value)") }
    if graph { print(try LinkableModel(file).graph.textDescription) }
  }

  private struct Inspection: Encodable {
    var metadata: ModelMetadata
    var path: String
    var weightBytes: Int
    var weights: Int
    var extents: [StoredExtent]
    /// The memory of a run at its declared shapes. Like the next property, it is left out if the model leaves
    /// sizes open.
    var reservedBytes: Int?
    var arenaBytes: Int?

    init(_ file: CompiledModel, need: ModelNeed?) {
      reservedBytes = need?.reservedBytes
      arenaBytes = need?.arenaBytes
      metadata = file.metadata
      path = file.path
      extents = file.extents
      weights = file.weights.count
      weightBytes = file.extents.reduce(0) { $0 + $1.byteCount }
    }
  }
}
