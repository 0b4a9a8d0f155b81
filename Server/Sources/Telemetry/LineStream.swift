import Foundation

/// Standard error, to which log lines are written: each stays one line, whatever names and messages are in it.
package struct LineStream: TextOutputStream, Sendable {
  private let write: @Sendable (Data) -> Void

  /// - Parameter write: is given whole lines; standard error's by default.
  package init(
    write: @escaping @Sendable (Data) -> Void = { try? FileHandle.standardError.write(contentsOf: $0) }
  ) {
    self.write = write
  }

  /// Writes one line. Its own line feed ends it; others, and all that a terminal would follow, are escaped.
  package mutating func write(_ line: String) {
    let isEnded = line.utf8.last == 0x0A
    let text = LineStream.escaped(isEnded ? String(line.unicodeScalars.dropLast()) : line)
    write(Data((text + "\n").utf8))
  }

  /// `text` with control characters, line separators and invisible formatting as `\n`, `\t` and `\u{…}`.
  package static func escaped(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isEscaped) else { return text }
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n": result += "\\n".unicodeScalars
      case "\r": result += "\\r".unicodeScalars
      case "\t": result += "\\t".unicodeScalars
      case _ where isEscaped(scalar):
        result += "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars
      default: result.append(scalar)
      }
    }
    return String(result)
  }

  private static func isEscaped(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.value < 0x7F { return scalar.value < 0x20 }
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: return true
    default: return false
    }
  }
}
