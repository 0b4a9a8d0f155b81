import ArgumentParser
import Kernels
import Repository

/// `add-model`: what the server starts itself as, to compile one model apart from its requests.
struct AddModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add-model",
    abstract: "Compile one model on behalf of the server that started this process.",
    shouldDisplay: false)

  @Argument(help: "The compilation request, as JSON.") var request: String

  func run() throws { CompilerProgram.run(request) { try CPUDevice() } }
}
