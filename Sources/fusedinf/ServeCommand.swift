import ArgumentParser
import Settings

/// `fusedinf serve`: hands over to the server's program.
struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Serve models over HTTP and gRPC: the Open Inference Protocol, on demand.",
    usage: "fusedinf serve [--NAME VALUE ...]", discussion: ServerHelp.text(program: "fusedinf serve"))

  @Argument(parsing: .captureForPassthrough, help: .hidden)
  var words: [String] = []

  func run() throws {
    // The words are the server's, and so is this one; but its help is there without the server.
    if words.contains(where: { ["--help", "-h"].contains($0) }) { return print(ServeCommand.helpMessage()) }
    try ServerProgram.become(["serve"] + words)
  }
}
