import ArgumentParser
import ONNXFormat

/// `fusedinf operators`: what a model may be made of.
struct OperatorsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "operators", abstract: "List the supported ONNX operators.",
    discussion: """
      Each is listed with the first opset version in which it is supported, and the last one if there is one. Some \
      forms of an operator may be unsupported; 'fusedinf add' then names the node.
      """)

  @OptionGroup var output: OutputOptions

  func run() throws {
    if output.json { return try printJSON(["operators": SupportedOperator.all]) }
    for operation in SupportedOperator.all {
      let name = "\(operation.name)".padding(toLength: 28, withPad: " ", startingAt: 0)
      let versions = operation.until.map { "\(operation.since) to \($0)" } ?? "\(operation.since)"
      print("\(operation.domain)  \(name) \(versions)")
    }
  }
}
