/// Knobs as a command line gives them: `--name value`, `--name=value`, and for flags `--name`, `--no-name` and
/// `--name on`.
public struct KnobOptions: Sendable, Hashable {
  /// Texts by knob. Of a knob that is given twice the last counts; those of a list are joined.
  public private(set) var values: [String: String] = [:]

  /// - Throws: ``SettingsError`` for a word that is no knob, and a knob that lacks its value.
  public init(_ words: [String], knobs: [KnobDeclaration]) throws(SettingsError) {
    let known = Dictionary(knobs.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    var rest = words[...]
    while let word = rest.popFirst() {
      guard word.hasPrefix("--"), word.count > 2 else {
        throw SettingsError("unexpected argument '\(word)'; give settings as options: --NAME VALUE")
      }
      let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      if let knob = known[name] {
        if parts.count > 1 {
          set(knob, String(parts[1]))
        } else if knob.isFlag {
          // There are no arguments that such a word could be.
          let isGiven = rest.first.map(knob.accepts) == true
          set(knob, isGiven ? rest.removeFirst() : "on")
        } else if let value = rest.popFirst() {
          set(knob, value)
        } else {
          throw SettingsError("--\(name) needs a \(knob.type)")
        }
      } else if name.hasPrefix("no-"), parts.count == 1, let knob = known[String(name.dropFirst(3))],
        knob.isFlag
      {
        set(knob, "off")
      } else {
        throw SettingsError(
          "there is no option '--\(name)'" + KnobDeclaration.suggestion(for: name, among: knobs))
      }
    }
  }

  private mutating func set(_ knob: KnobDeclaration, _ text: String) {
    if knob.isList, let before = values[knob.name] {
      values[knob.name] = before + "," + text
    } else {
      values[knob.name] = text
    }
  }
}
