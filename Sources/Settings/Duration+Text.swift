extension Duration {
  private static let units: [(String, Double)] = [
    ("us", 1e-6), ("ms", 1e-3), ("s", 1), ("m", 60), ("h", 3600), ("d", 86400), ("", 1),
  ]

  /// Reads the written form: `250us`, `500ms`, `30s`, `5m`, `2h`, `1d`; a number alone is seconds. `nil` when it is
  /// none, or longer than ten years.
  public init?(parsing text: String) {
    let text = text.lowercased().filter { !$0.isWhitespace }
    guard let (suffix, factor) = Duration.units.first(where: { text.hasSuffix($0.0) }) else { return nil }
    let digits = text.dropLast(suffix.count)
    guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }),
      let number = Double(digits), number * factor <= 10 * 366 * 86400
    else { return nil }
    self = .microseconds(Int64((number * factor * 1e6).rounded()))
  }

  /// In the largest unit that leaves a whole number.
  public var written: String {
    let (seconds, attoseconds) = components
    guard attoseconds == 0 else {
      let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
      return microseconds % 1000 == 0 ? "\(microseconds / 1000)ms" : "\(microseconds)us"
    }
    for (size, unit) in [(Int64(86400), "d"), (3600, "h"), (60, "m")]
    where seconds != 0 && seconds % size == 0 {
      return "\(seconds / size)\(unit)"
    }
    return "\(seconds)s"
  }

  /// Rounded down to whole milliseconds.
  public var milliseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds.multipliedReportingOverflow(by: 1000).partialValue
      &+ attoseconds / 1_000_000_000_000_000
  }
}
