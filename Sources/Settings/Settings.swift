import Foundation

/// A setting that cannot be, and where it was given.
public struct SettingsError: Error, Sendable, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }
}

/// The values in force. An option goes before the environment, that before a file, that before the default.
public struct Settings: Sendable {
  /// The origin of a value.
  public enum Source: Sendable, Hashable {
    case option, environment
    case file(String)
    case standard
  }

  /// A configuration file's values by knob.
  public struct File: Sendable {
    public var path: String
    public var values: [String: String]

    public init(path: String, values: [String: String]) {
      self.path = path
      self.values = values
    }
  }

  public let knobs: [KnobDeclaration]
  private let given: [String: (text: String, source: Source)]

  /// - Parameters:
  ///   - options: values from the command line, by knob.
  ///   - environment: the whole environment; an empty variable is none.
  /// - Throws: ``SettingsError`` for a value that its knob does not take, and for a key of the file that is no knob.
  public init(
    knobs: [KnobDeclaration], options: [String: String] = [:],
    environment: [String: String] = ProcessInfo.processInfo.environment, file: File? = nil
  ) throws(SettingsError) {
    var given: [String: (text: String, source: Source)] = [:]
    for knob in knobs {
      if let text = options[knob.name] {
        given[knob.name] = (text, .option)
      } else if let text = environment[knob.environment], !text.isEmpty {
        given[knob.name] = (text, .environment)
      } else if let file, let text = file.values[knob.name] {
        given[knob.name] = (text, .file(file.path))
      }
      if let (text, source) = given[knob.name], !knob.accepts(text) {
        throw SettingsError("\(knob.place(of: source)) takes a \(knob.type), not '\(text)'")
      }
    }
    if let file,
      let unknown = file.values.keys.sorted().first(where: { key in !knobs.contains { $0.name == key } })
    {
      throw SettingsError(
        "\(file.path): there is no setting '\(unknown)'"
          + KnobDeclaration.suggestion(for: unknown, among: knobs))
    }
    self.knobs = knobs
    self.given = given
  }

  /// The value in force.
  public subscript<Value>(knob: Knob<Value>) -> Value {
    given[knob.name].flatMap { knob.read($0.text) } ?? knob.standard()
  }

  /// The value in force as it was written, and where it comes from.
  public func shown(_ knob: KnobDeclaration) -> (text: String, source: Source) {
    given[knob.name] ?? (knob.standard, .standard)
  }
}

extension KnobDeclaration {
  /// Returns a message's words for the place where a value was given.
  fileprivate func place(of source: Settings.Source) -> String {
    switch source {
    case .option, .standard: "--\(name)"
    case .environment: environment
    case .file(let path): "\(path): '\(name)'"
    }
  }

  /// `; did you mean 'X'?` when a knob's name is close to `name`.
  static func suggestion(for name: String, among knobs: [KnobDeclaration]) -> String {
    let close = knobs.map { (distance(name, $0.name), $0.name) }.min { $0.0 < $1.0 }
    guard let close, close.0 <= max(2, name.count / 3) else { return "" }
    return "; did you mean '\(close.1)'?"
  }

  /// Letters to insert, remove or replace to make one name the other.
  private static func distance(_ a: String, _ b: String) -> Int {
    let a = Array(a.utf8.prefix(64))
    let b = Array(b.utf8)
    var row = Array(0...b.count)
    for (i, letter) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, other) in b.enumerated() {
        let next = min(row[j] + 1, row[j + 1] + 1, diagonal + (letter == other ? 0 : 1))
        diagonal = row[j + 1]
        row[j + 1] = next
      }
    }
    return row[b.count]
  }
}
