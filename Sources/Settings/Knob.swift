/// One setting as it is declared: once, here, for every program that has it.
public struct KnobDeclaration: Sendable {
  /// The subject of a knob. The order of cases is that of listings.
  public enum Group: String, Sendable, CaseIterable, Encodable {
    case engine, run, repository, network, scheduling, access, limits, logs
  }

  /// The option's name without dashes, which is also its key in a configuration file.
  public let name: String
  /// The environment variable that it also comes from.
  public let environment: String
  public let group: Group
  /// The type of its value, for a reader: `size`, `duration`, `loopback|keys|open`.
  public let type: String
  /// The default as a user would write it; for a person where there is no such value.
  public let standard: String
  public let meaning: String
  /// It can be given without a value, and as `--no-NAME`.
  public let isFlag: Bool
  /// It can be given several times; values are joined by commas.
  public let isList: Bool
  /// True for a text that is a value of this knob.
  let accepts: @Sendable (String) -> Bool
}

/// A knob with the type of its values.
public struct Knob<Value: Sendable>: Sendable {
  public let declaration: KnobDeclaration
  let read: @Sendable (String) -> Value?
  let standard: @Sendable () -> Value

  public var name: String { declaration.name }
  public var environment: String { declaration.environment }
  public var meaning: String { declaration.meaning }
  public var type: String { declaration.type }

  /// - Parameter shown: the default in words, where it has no written form.
  init(
    _ name: String, _ group: KnobDeclaration.Group, _ form: ValueForm<Value>,
    standard: @autoclosure @escaping @Sendable () -> Value, shown: String? = nil, _ meaning: String
  ) {
    read = form.read
    self.standard = standard
    declaration = KnobDeclaration(
      name: name, environment: "FUSEDINF_" + name.uppercased().replacing("-", with: "_"), group: group,
      type: form.type, standard: shown ?? form.write(standard()), meaning: meaning, isFlag: form.isFlag,
      isList: form.isList, accepts: { form.read($0) != nil })
  }
}
