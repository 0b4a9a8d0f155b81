import Foundation

/// Files that somebody else puts where the server looks: read only when they are regular, and never waited for.
public enum RegularFile {
  /// The reason why a file is not read.
  public struct Problem: Error, Sendable, CustomStringConvertible {
    public let description: String
  }

  /// Reads a whole file of text in UTF-8. Never blocks: a pipe, a socket or a device is refused.
  /// - Parameter maxBytes: The size of the largest file that is read.
  /// - Throws: ``Problem``.
  public static func text(of path: String, maxBytes: Int) throws(Problem) -> String {
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
    guard descriptor >= 0 else { throw problem(path, String(cString: strerror(errno))) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw problem(path, String(cString: strerror(errno))) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw problem(path, "it is not a regular file") }
    var bytes = [UInt8](repeating: 0, count: maxBytes + 1)
    var filled = 0
    while filled < bytes.count {
      let count = bytes.withUnsafeMutableBytes { buffer in
        read(descriptor, buffer.baseAddress.map { $0 + filled }, buffer.count - filled)
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw problem(path, String(cString: strerror(errno))) }
      if count == 0 { break }
      filled += count
    }
    guard filled <= maxBytes else { throw problem(path, "it is larger than \(maxBytes) bytes") }
    guard let text = String(validating: bytes[..<filled], as: UTF8.self) else {
      throw problem(path, "it is not text in UTF-8")
    }
    return text
  }

  private static func problem(_ path: String, _ reason: String) -> Problem {
    Problem(description: "cannot read '\(path)': \(reason)")
  }
}
