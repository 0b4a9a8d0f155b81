import ArgumentParser
import Serving

/// `fusedinf-server make-key`: a new API key, and its entry for the file of keys.
struct MakeKeyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "make-key", abstract: "Make an API key, and print its entry for the file of --keys.",
    discussion: """
      The key itself is printed once and kept nowhere: give it to the client, which sends it as \
      'Authorization: Bearer KEY' or 'X-API-Key: KEY'. The file holds only its hash.

        fusedinf-server make-key camera --model detector --model 'ocr-*' --rate 20
      """)

  @Argument(help: "Whose key it is: the tenant's name.") var name: String
  @Option(name: .customLong("model"), help: "A model that it may use, with * and ?; all when none is given.")
  var models: [String] = []
  @Option(help: "Requests a second; unlimited when left out.") var rate: Double?
  @Flag(help: "It may load and unload models.") var admin = false

  func run() {
    let (key, hash) = APIKey.make()
    complain("the key, for the client: \(key)")
    print("  - name: \(MakeKeyCommand.quoted(name))\n    sha256: \(hash)")
    if !models.isEmpty { print("    models: [\(models.map(MakeKeyCommand.quoted).joined(separator: ", "))]") }
    if let rate { print("    rate: \(rate)") }
    if admin { print("    admin: true") }
  }

  /// As YAML takes any text.
  private static func quoted(_ text: String) -> String { "'\(text.replacing("'", with: "''"))'" }
}
