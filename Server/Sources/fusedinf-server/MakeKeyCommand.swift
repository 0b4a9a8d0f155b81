import ArgumentParser
import Serving

/// `fusedinf-server make-key`: a new API key, and its entry for the file of keys.
struct MakeKeyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "make-key", abstract: "Make an API key, and print its entry for the file of --keys.",
    discussion: """
      The key itself is printed once and stored nowhere. Give it to the client, which sends it as \
      'Authorization: Bearer KEY' or 'X-API-Key: KEY'. The file holds only its hash.

        fusedinf-server make-key camera --model detector --model 'ocr-*' --rate 20
      """)

  @Argument(help: "The name of the key's owner, the tenant.") var name: String
  @Option(
    name: .customLong("model"),
    help: "A model that the key may use, with * and ? as wildcards; all models if none is given.")
  var models: [String] = []
  @Option(help: "The maximum number of requests per second; unlimited if left out.") var rate: Double?
  @Flag(help: "Allow the key to load and unload models.") var admin = false

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
