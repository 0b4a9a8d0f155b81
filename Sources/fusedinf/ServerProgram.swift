import ArgumentParser
import Foundation

/// The server, a program of its own: it needs what the command-line program does without (NIO, gRPC, TLS).
enum ServerProgram {
  static let name = "fusedinf-server"
  static let variable = "FUSEDINF_SERVER"

  /// Replaces this process with the server's.
  /// - Throws: `ExitCode`, when it is not there or cannot be started; the reason has been printed.
  static func become(_ arguments: [String]) throws -> Never {
    let executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    let places = places(
      beside: executable.deletingLastPathComponent(), environment: ProcessInfo.processInfo.environment)
    guard let path = places.first(where: { FileManager.default.isExecutableFile(atPath: $0) }) else {
      notice(
        """
        fusedinf: the server program was not found. In a clone of the repository, build it with 'make build-server'.
        It was searched at \(places.prefix(4).joined(separator: ", ")), and '\(name)' on the PATH. \
        If it is elsewhere, set \(variable) to its path.
        """)
      throw ExitCode.failure
    }
    var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) }
    words.append(nil)
    execv(path, words)
    let reason = String(cString: strerror(errno))
    for word in words { free(word) }
    notice("fusedinf: '\(path)' cannot be started: \(reason)")
    throw ExitCode.failure
  }

  /// Returns the paths to try, in order. If the environment names one, that is the only one. Otherwise:
  /// beside this program; in the folder for programs that others start; on the path.
  private static func places(beside folder: URL, environment: [String: String]) -> [String] {
    if let named = environment[variable], !named.isEmpty { return [named] }
    let around = [
      folder, folder.deletingLastPathComponent().appending(path: "libexec/fusedinf"),
      folder.deletingLastPathComponent().appending(path: "libexec"),
    ]
    let path = (environment["PATH"] ?? "").split(separator: ":").map { URL(fileURLWithPath: String($0)) }
    return (around + path).map { $0.appending(path: name).path }
  }
}
