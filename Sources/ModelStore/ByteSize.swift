/// A number of bytes as people write it: `64MiB`, `64MB`, `1.5GiB`, `1048576`.
public struct ByteSize: Sendable, Hashable, CustomStringConvertible {
  public var bytes: Int

  private static let units: [(String, Double)] = [
    ("kib", 1024), ("mib", 1_048_576), ("gib", 1_073_741_824), ("tib", 1_099_511_627_776), ("kb", 1e3),
    ("mb", 1e6), ("gb", 1e9), ("tb", 1e12), ("k", 1024), ("m", 1_048_576), ("g", 1_073_741_824), ("b", 1),
    ("", 1),
  ]

  public init(bytes: Int) { self.bytes = bytes }

  /// Reads the written form: `MiB` and `M` are 1024 · 1024 bytes, `MB` is a million. `nil` when it is none.
  public init?(parsing text: String) {
    let text = text.lowercased().filter { !$0.isWhitespace }
    guard let (suffix, factor) = ByteSize.units.first(where: { text.hasSuffix($0.0) }) else { return nil }
    let digits = text.dropLast(suffix.count)
    guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }),
      let number = Double(digits), number.isFinite, number * factor < 9e15
    else { return nil }
    bytes = Int(number * factor)
  }

  public var description: String {
    let units: [(Int, String)] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
    for (size, name) in units where bytes >= size {
      let (scaled, overflow) = bytes.multipliedReportingOverflow(by: 10)
      let tenths = overflow ? bytes / size * 10 : (scaled + size / 2) / size
      return tenths % 10 == 0 ? "\(tenths / 10)\(name)" : "\(tenths / 10).\(tenths % 10)\(name)"
    }
    return "\(bytes)B"
  }

  /// As people write it, and to the byte: `1.5KiB (1536 bytes)`.
  public var exact: String { bytes < 1024 ? "\(bytes) bytes" : "\(self) (\(bytes) bytes)" }
}
