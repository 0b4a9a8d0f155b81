import ArgumentParser
import CHost
import Foundation
import Kernels
import Settings

/// The command-line program.
@main
struct FusedInf: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fusedinf",
    abstract:
      "Runs many ONNX models in little memory: compiled ahead of time, linked on demand, swapped under a budget.",
    discussion: """
      A model is compiled once, on the box that will run it:

        fusedinf add detector.onnx recognizer.onnx

      Any set of models then runs as one fused program, in the memory that you grant:

        fusedinf run detector recognizer --budget 64MiB --output answers

      Weights that do not fit are evicted, and loaded again while kernels run. To answer requests of other programs \
      over HTTP and gRPC:

        fusedinf serve --budget 64MiB

      'fusedinf graph' draws the fused program; 'fusedinf config' lists every setting and its origins.

      Results go to standard output, messages to standard error. The exit status is 0, or 1 if something failed, \
      or 2 if the command line is wrong. Every command but serve accepts --json.
      """,
    version: ProductVersion.text,
    subcommands: [
      AddCommand.self, ListCommand.self, InspectCommand.self, RunCommand.self, GraphCommand.self,
      VerifyCommand.self, RemoveCommand.self, ServeCommand.self, ConfigCommand.self, DoctorCommand.self,
      OperatorsCommand.self,
    ])

  /// Parses and runs. The exit status is 0, 1 when something failed, 2 when the command line is wrong.
  static func main() async {
    restartWithShortOpenMPWaits()
    var running: (any ParsableCommand.Type)?
    do {
      var command = try parseAsRoot()
      running = type(of: command)
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch let code as ExitCode {
      // The thrower has already printed the reason.
      Foundation.exit(code.rawValue)
    } catch {
      let code = exitCode(for: error)
      if code == .success {
        print(message(for: error))
        return
      }
      if code == .validationFailure {
        notice(usageMessage(for: error, of: running))
        Foundation.exit(2)
      }
      complain(error)
      Foundation.exit(1)
    }
  }

  /// Returns the fault in the command line, and the correct usage.
  /// - Parameter command: the command that found the fault while it ran; the error itself does not name it
  ///   then.
  private static func usageMessage(
    for error: any Error, of command: (any ParsableCommand.Type)?
  ) -> String {
    guard let command else { return fullMessage(for: error) }
    let usage = usageString(for: command).split(separator: "\n").joined(separator: "\n       ")
    return "Error: \(message(for: error))\nUsage: \(usage)\n"
      + "  See 'fusedinf \(command.configuration.commandName ?? "") --help' for more information."
  }
}
