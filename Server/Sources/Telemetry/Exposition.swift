/// Writes metrics in Prometheus' text format, version 0.0.4 ("Exposition formats" in Prometheus' documentation).
public struct Exposition: Sendable {
  public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  public enum Kind: String, Sendable { case counter, gauge, histogram }

  /// A label and its value, in the order in which they are to be written.
  public typealias Labels = [(name: String, value: String)]

  /// The text written so far.
  public private(set) var text = ""

  public init() {}

  /// A family of counters or gauges. One without samples is left out.
  public mutating func family(
    _ name: String, _ kind: Kind, _ help: String, _ samples: [(labels: Labels, value: Double)]
  ) {
    guard !samples.isEmpty else { return }
    header(name, kind, help)
    for sample in samples { line(name, sample.labels, sample.value) }
  }

  /// A family of one number without labels.
  public mutating func single(_ name: String, _ kind: Kind, _ help: String, _ value: some BinaryInteger) {
    family(name, kind, help, [([], Double(value))])
  }

  /// A family of histograms.
  /// - Parameter limits: the buckets to write, of each distribution's bounds.
  public mutating func histogram(
    _ name: String, _ help: String, limits: [Double], _ samples: [(labels: Labels, value: Distribution)]
  ) {
    guard !samples.isEmpty else { return }
    header(name, .histogram, help)
    for (labels, distribution) in samples {
      for (limit, count) in zip(limits, distribution.cumulative(limits)) {
        line(name + "_bucket", labels + [("le", Exposition.number(limit))], Double(count))
      }
      line(name + "_bucket", labels + [("le", "+Inf")], Double(distribution.count))
      line(name + "_sum", labels, distribution.sum)
      line(name + "_count", labels, Double(distribution.count))
    }
  }

  private mutating func header(_ name: String, _ kind: Kind, _ help: String) {
    text += "# HELP \(name) \(Exposition.escaped(help, quotes: false))\n# TYPE \(name) \(kind.rawValue)\n"
  }

  private mutating func line(_ name: String, _ labels: Labels, _ value: Double) {
    text += name
    if !labels.isEmpty {
      text += "{"
      for (index, label) in labels.enumerated() {
        text += (index > 0 ? "," : "") + "\(label.name)=\"\(Exposition.escaped(label.value, quotes: true))\""
      }
      text += "}"
    }
    text += " \(Exposition.number(value))\n"
  }

  /// Whole numbers without a fraction; infinities and NaN as the format spells them.
  static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
    if value.rounded() == value, abs(value) < 9e15 { return "\(Int64(value))" }
    return "\(value)"
  }

  private static func escaped(_ text: String, quotes: Bool) -> String {
    var result = ""
    for character in text.unicodeScalars {
      switch character {
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\"" where quotes: result += "\\\""
      default: result.unicodeScalars.append(character)
      }
    }
    return result
  }
}
