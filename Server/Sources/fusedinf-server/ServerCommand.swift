import ArgumentParser
import Foundation
import Kernels
import Settings

/// The server's program.
@main
struct ServerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fusedinf-server", abstract: "Serves models over HTTP and gRPC.",
    version: ProductVersion.text,
    subcommands: [ServeCommand.self, ConfigCommand.self, MakeKeyCommand.self, AddModelCommand.self],
    defaultSubcommand: ServeCommand.self)

  /// Parses and runs. The exit status is 0, 1 when something failed, 2 when the command line is wrong.
  static func main() async {
    restartWithShortOpenMPWaits()
    boundHeap()
    // Serving is what it is for, so the help that is asked for without a command is serving's.
    if let first = CommandLine.arguments.dropFirst().first, ["--help", "-h"].contains(first) {
      return print(ServeCommand.helpMessage())
    }
    do {
      var command = try parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch let code as ExitCode {
      Foundation.exit(code.rawValue)
    } catch {
      let code = exitCode(for: error)
      if code == .success {
        print(message(for: error))
        return
      }
      let isUsage = code == .validationFailure || error is SettingsError
      complain(isUsage ? message(for: error) : "\(error)")
      if isUsage { complain("'fusedinf-server --help' lists the settings") }
      Foundation.exit(isUsage ? 2 : 1)
    }
  }
}

/// Says something to a person on standard error.
func complain(_ text: String) {
  FileHandle.standardError.write(Data("fusedinf-server: \(text)\n".utf8))
}
