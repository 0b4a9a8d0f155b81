extension Settings {
  /// One knob and its value in force, as listings give it.
  public struct Row: Sendable, Encodable {
    public var name: String
    public var environment: String
    public var group: KnobDeclaration.Group
    public var type: String
    public var `default`: String
    public var meaning: String
    public var value: String
    /// `option`, `environment`, `default`, or the path of the file.
    public var source: String
  }

  /// All knobs in the order that they are declared in.
  public var rows: [Row] {
    knobs.map { knob in
      let (text, source) = shown(knob)
      return Row(
        name: knob.name, environment: knob.environment, group: knob.group, type: knob.type,
        default: knob.standard, meaning: knob.meaning, value: text, source: source.words)
    }
  }

  /// All knobs for a person, under the names of their groups.
  public var listing: String {
    var lines: [String] = []
    for group in KnobDeclaration.Group.allCases {
      let rows = rows.filter { $0.group == group }
      if rows.isEmpty { continue }
      if !lines.isEmpty { lines.append("") }
      lines.append("\(group.rawValue)")
      for row in rows {
        lines.append(
          "  --\(row.name) = \(row.value)" + (row.source == "default" ? "" : "  (from \(row.source))"))
        lines.append("      \(row.type), default \(row.default); \(row.environment)")
        lines += wrapped(row.meaning, width: 90).map { "      \($0)" }
      }
    }
    return lines.joined(separator: "\n")
  }
}

extension KnobDeclaration {
  /// The knobs as a help page lists them, no line longer than 79 letters: ArgumentParser breaks lines of 80.
  public static func help(_ knobs: [KnobDeclaration]) -> String {
    var lines: [String] = []
    for group in Group.allCases {
      let knobs = knobs.filter { $0.group == group }
      if knobs.isEmpty { continue }
      if !lines.isEmpty { lines.append("") }
      lines.append("\(group.rawValue.uppercased()):")
      for knob in knobs {
        lines.append(knob.isFlag ? "  --\(knob.name), --no-\(knob.name)" : "  --\(knob.name) <\(knob.type)>")
        lines += wrapped("\(knob.meaning) Default: \(knob.standard).", width: 71).map { "        \($0)" }
      }
    }
    return lines.joined(separator: "\n")
  }
}

extension Settings.Source {
  /// For a listing.
  var words: String {
    switch self {
    case .option: "option"
    case .environment: "environment"
    case .file(let path): path
    case .standard: "default"
    }
  }
}

/// `text` in lines of at most `width` letters, broken at spaces.
private func wrapped(_ text: String, width: Int) -> [String] {
  var lines: [String] = []
  for word in text.split(separator: " ") {
    if let last = lines.last, last.count + 1 + word.count <= width {
      lines[lines.count - 1] = last + " " + word
    } else {
      lines.append(String(word))
    }
  }
  return lines
}
