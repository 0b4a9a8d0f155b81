import ArgumentParser
import ONNXFormat

/// `fusedinf operators`: what a model may be made of.
struct OperatorsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "operators", abstract: "List the ONNX operators that models may have.",
    discussion: """
      With the first version of the operator set from which on each is read, and the last one where there is one. An \
      operator may have forms that are not read: 'fusedinf add' names the node then.
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
