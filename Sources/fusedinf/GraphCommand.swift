import ArgumentParser
import Engine
import Foundation
import Kernels
import Linker
import Pictures

/// `fusedinf graph`: a picture of a model or of a fused program.
struct GraphCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "graph", abstract: "Draw a model's graph, or the fused program of several models.",
    discussion: """
      One name draws that model's compiled graph. Several names, or --program, draw their fused program: \
      loads, kernels, lanes, and the weights that models share. The file's extension selects SVG or DOT; \
      in a browser, each box of an SVG shows its details.

        fusedinf graph detector -o detector.svg
        fusedinf graph detector recognizer -o program.svg
      """)

  @Argument(help: "The models' names.") var names: [String]
  @Option(name: .shortAndLong, help: ArgumentHelp("The picture to write.", valueName: "FILE.svg|FILE.dot"))
  var output: String
  @Flag(help: "Draw the program even for one model.") var program = false
  @Option(
    name: .customLong("shape"),
    help: ArgumentHelp("The shape of an input for the program.", valueName: "NAME/INPUT=1x3x224x224"))
  var shapes: [String] = []
  @OptionGroup var store: StoreOptions
  @OptionGroup var engine: EngineOptions
  @OptionGroup var options: OutputOptions

  func validate() throws {
    if names.isEmpty { throw ValidationError("name at least one model") }
    guard output.hasSuffix(".svg") || output.hasSuffix(".dot") else {
      throw ValidationError("-o needs a file name that ends in .svg or .dot, not '\(output)'")
    }
  }

  func run() async throws {
    let (device, configuration) = (try engine.device(), try engine.configuration())
    let engine = Engine(store: try store.open(), device: device, configuration: configuration)
    let models = try names.map { try engine.models.open($0) { notice($0) } }
    let isSVG = output.hasSuffix(".svg")
    let text: String
    if let model = models.first, models.count == 1, !program {
      text = isSVG ? GraphPicture(model.graph).svg : model.graph.dot()
    } else {
      let arguments = try InputArguments(names: names, inputs: [], shapes: shapes)
      let plans = try models.map { model in
        let inputs = try arguments.tensors(for: model, limit: engine.configuration.budget, seed: 1)
        return try arguments.plan(model, inputs, with: engine.planner)
      }
      let picture = ProgramPicture(try engine.link(plans))
      text = isSVG ? picture.svg : picture.dot
    }
    try Data(text.utf8).write(to: URL(fileURLWithPath: output))
    if options.json { try printJSON(["file": output]) } else { notice("wrote \(output)") }
  }
}
