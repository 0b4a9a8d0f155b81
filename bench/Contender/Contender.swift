import CHost
import Foundation
import Kernels

/// FusedInf in the benchmark: one command a line on standard input, one answer a line on standard output, times taken in
/// here with the monotonic clock. `bench/README.md` lists the commands; the peers speak the same.
@main
struct Contender {
  private static var commands: [String: any Command.Type] {
    [
      "start": Start.self, "prepare": Prepare.self, "open": Open.self, "close": Close.self,
      "answers": Answers.self, "warm": Warm.self, "swap": Swap.self, "set": RunSet.self, "link": Link.self,
      "ablate": Ablate.self, "storm": Storm.self, "memory": Memory.self, "bandwidth": Bandwidth.self,
    ]
  }

  static func main() async {
    restartWithShortOpenMPWaits()
    let bench = Bench()
    while let line = readLine() {
      if line.isEmpty { continue }
      do {
        let data = Data(line.utf8)
        let name = try Wire.decoder.decode(Heading.self, from: data).command
        if name == "quit" { return }
        guard let type = commands[name] else { throw BenchError("there is no command '\(name)'") }
        let command = try Wire.decoder.decode(type, from: data)
        try send(try await command.run(on: bench))
      } catch {
        // The line must go out whatever is in it; a failure to encode a text has no remedy here.
        try? send(Failure(error: "\(error)"))
      }
    }
  }

  private static func send(_ answer: any Encodable) throws {
    var data = try Wire.encoder.encode(answer)
    data.append(0x0a)
    FileHandle.standardOutput.write(data)
  }

  private struct Heading: Decodable { var command: String }
  private struct Failure: Encodable { var error: String }
}

/// One command of the protocol, with its arguments.
protocol Command: Decodable, Sendable {
  func run(on bench: Bench) async throws -> any Encodable
}

/// The encoding of commands and answers.
enum Wire {
  static let decoder: JSONDecoder = {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return decoder
  }()

  static let encoder: JSONEncoder = {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.withoutEscapingSlashes]
    return encoder
  }()
}

/// A command that cannot be carried out.
struct BenchError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
