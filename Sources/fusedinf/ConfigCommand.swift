import ArgumentParser
import Foundation
import Settings

/// `fusedinf config`: every setting.
struct ConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config",
    abstract: "List every setting: its value, the value's origin, its type, default and meaning.",
    discussion: """
      A setting takes its value from the option, else from the environment variable, else from the server's \
      configuration file, else from its default. With --config, or FUSEDINF_CONFIG in the environment, the server \
      program, which reads the file, prints the list:

        fusedinf config --config /etc/fusedinf/server.yaml
      """)

  @Option(help: ArgumentHelp("The server's configuration file.", valueName: "file"))
  var config: String?

  @OptionGroup var store: StoreOptions
  @OptionGroup var engine: EngineOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let given = store.given.merging(engine.given) { first, _ in first }
    let file = config ?? ProcessInfo.processInfo.environment["FUSEDINF_CONFIG"]
    if let file, !file.isEmpty {
      let options = given.compactMapValues { $0 }.sorted { $0.key < $1.key }.map { "--\($0.key)=\($0.value)" }
      try ServerProgram.become(["config", "--config", file] + options + (output.json ? ["--json"] : []))
    }
    let settings = try settings(given, of: KnobDeclaration.all)
    if output.json { return try printJSON(["knobs": settings.rows]) }
    print(settings.listing)
  }
}
