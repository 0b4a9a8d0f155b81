import Foundation
import Kernels

/// Runs a batch of conformance cases: `fusedinf-conformance COMPANION CASES STORE`.
///
/// COMPANION is a file with one case, which is fused with every other. CASES has one case a line. Standard output gets the
/// line `ready` when the companion is compiled, then one line of JSON a case, in order. STORE is a folder for compiled models,
/// which the runner empties.
@main
struct ConformanceRunner {
  static func main() async throws {
    restartWithShortOpenMPWaits()
    let arguments = CommandLine.arguments
    guard arguments.count == 4 else {
      FileHandle.standardError.write(Data("usage: fusedinf-conformance COMPANION CASES STORE\n".utf8))
      exit(2)
    }
    let bench = try CaseBench(
      companion: try decode(try Data(contentsOf: URL(fileURLWithPath: arguments[1]))), store: arguments[3])
    write(Data("ready".utf8))
    let lines = try String(contentsOfFile: arguments[2], encoding: .utf8).split(separator: "\n")
    let encoder = JSONEncoder()
    for line in lines { write(try encoder.encode(await bench.run(try decode(Data(line.utf8))))) }
  }

  private static func decode(_ data: Data) throws -> ConformanceCase {
    try JSONDecoder().decode(ConformanceCase.self, from: data)
  }

  private static func write(_ line: Data) {
    FileHandle.standardOutput.write(line + Data("\n".utf8))
  }
}
