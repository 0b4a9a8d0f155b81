import ArgumentParser
import Kernels
import Repository
import Settings

/// `add-model`: what the server starts itself as, to compile one model apart from its requests.
struct AddModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add-model",
    abstract: "Compile one model on behalf of the server that started this process.",
    shouldDisplay: false)

  @Argument(help: "The compilation request, as JSON.") var request: String

  func run() throws {
    let settings = try Settings(knobs: KnobDeclaration.engine)
    CompilerProgram.run(request) { try CPUDevice(subnormals: settings[.subnormals]) }
  }
}
