import ArgumentParser
import Foundation
import Settings

/// `fusedinf-server [serve]`: serves until it is told to end.
struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Serve models until SIGTERM.",
    usage: "fusedinf-server [--NAME VALUE ...]",
    discussion: ServerHelp.text(program: "fusedinf-server"))

  @Argument(parsing: .captureForPassthrough, help: .hidden)
  var words: [String] = []

  func run() async throws {
    if words.contains("--help") || words.contains("-h") { return print(ServeCommand.helpMessage()) }
    try await InferenceServer(settings: try Settings(words)).run()
  }
}

/// `fusedinf-server config`: the values that the server would serve with.
struct ConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "List every setting, its value and the value's origin.",
    usage: "fusedinf-server config [--json] [--NAME VALUE ...]")

  @Argument(parsing: .captureForPassthrough, help: .hidden)
  var words: [String] = []

  func run() throws {
    if words.contains("--help") || words.contains("-h") { return print(ConfigCommand.helpMessage()) }
    let settings = try Settings(words.filter { $0 != "--json" })
    guard words.contains("--json") else { return print(settings.listing) }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    print(String(decoding: try encoder.encode(["knobs": settings.rows]), as: UTF8.self))
  }
}
