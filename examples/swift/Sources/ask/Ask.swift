import Foundation

@main
struct Ask {
  static let usage = """
    usage: ask MODEL [INPUT=VALUE]... [http://HOST:PORT]

    Shows what the model answers to inputs that hold one value everywhere, 0 unless it is given. Sizes that the model
    leaves open are taken as 1. The server is the one at http://localhost:8000 unless another is named.
    """

  static func main() async {
    var words = CommandLine.arguments.dropFirst()
    let address =
      words.firstIndex { $0.contains("://") }.map { words.remove(at: $0) } ?? "http://localhost:8000"
    guard let server = URL(string: address) else { fail("\(address) is not an address") }
    guard let model = words.popFirst(), !model.hasPrefix("-") else { fail(usage) }
    var values: [String: Double] = [:]
    for word in words {
      // Names may hold an "=" themselves.
      guard let sign = word.lastIndex(of: "="), let value = Double(word[word.index(after: sign)...]) else {
        fail("\(word) is not INPUT=VALUE\n\(usage)")
      }
      values[String(word[..<sign])] = value
    }
    do {
      let client = InferenceClient(server: server)
      let inputs = try await client.metadata(of: model).inputs.map { input in
        let value = values.removeValue(forKey: input.name) ?? 0
        guard
          let tensor = Tensor(
            name: input.name, datatype: input.datatype, shape: input.shape.map { max(1, $0) },
            filledWith: value)
        else { fail("\(input.name): \(value) cannot be sent as \(input.datatype)") }
        return tensor
      }
      guard values.isEmpty else {
        fail("\(model) has no input \(values.keys.sorted().joined(separator: ", "))")
      }
      for output in try await client.infer(model, inputs: inputs) {
        let shown = output.numbers.map { "first \($0.prefix(4))" } ?? "\(output.data.count) bytes"
        print("\(output.name): \(output.datatype)\(output.shape), \(shown)")
      }
    } catch { fail("\(error)") }
  }

  private static func fail(_ message: String) -> Never {
    FileHandle.standardError.write(Data("ask: \(message)\n".utf8))
    exit(1)
  }
}
