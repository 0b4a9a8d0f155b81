/// The time that a model stays resident after its last use, as clients and settings beside models write it: a number of
/// seconds, a duration such as `5m` or `1h30m`, or anything negative for ever, as with Ollama.
public enum KeepAlive {
  /// Longer than anything runs.
  public static let forever = Duration.seconds(100 * 366 * 86400)

  /// The forms that are taken, for messages.
  public static let forms = "a number of seconds, a duration such as 5m or 1h30m, or -1 for ever"

  /// - Returns: `nil` for what is no number below a thousand years.
  public static func duration(seconds: Double) -> Duration? {
    guard seconds.isFinite, seconds < 3e10 else { return nil }
    if seconds < 0 || seconds >= 3e9 { return forever }
    return .microseconds(Int64((seconds * 1e6).rounded()))
  }

  /// - Returns: `nil` for what is no duration.
  public static func duration(_ text: String) -> Duration? {
    if let seconds = number(text[...]) { return duration(seconds: seconds) }
    var rest = text[...]
    let isNegative = rest.first == "-"
    if isNegative || rest.first == "+" { rest.removeFirst() }
    guard !rest.isEmpty else { return nil }
    var seconds = 0.0
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
      rest = rest.dropFirst(digits.count)
      let unit = rest.prefix { !($0.isASCII && ($0.isNumber || $0 == ".")) }
      rest = rest.dropFirst(unit.count)
      guard let value = number(digits), let factor = units[String(unit)] else { return nil }
      seconds += value * factor
    }
    return duration(seconds: isNegative ? -1 : seconds)
  }

  private static let units: [String: Double] = [
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400,
  ]

  /// A decimal number alone: no `inf`, no `nan`, nothing in hexadecimal.
  private static func number(_ text: Substring) -> Double? {
    guard text.utf8.allSatisfy({ "0123456789.+-eE".utf8.contains($0) }) else { return nil }
    return Double(text)
  }
}
