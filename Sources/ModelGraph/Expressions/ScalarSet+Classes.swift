extension ScalarSet {
  static let digits = ScalarSet([0x30...0x39])
  /// `\w`: letters of ASCII, digits and the underscore.
  static let wordScalars = ScalarSet([0x30...0x39, 0x41...0x5a, 0x5f...0x5f, 0x61...0x7a])
  static let whiteSpace = ScalarSet("\t\n\u{c}\r ")
  static let newline = ScalarSet("\n")

  /// The classes of `\d` and its like.
  static let perl: [Unicode.Scalar: ScalarSet] = [
    "d": digits, "D": digits.inverted, "w": wordScalars, "W": wordScalars.inverted, "s": whiteSpace,
    "S": whiteSpace.inverted,
  ]

  /// The classes of `[:alpha:]` and its like.
  static let posix: [String: ScalarSet] = [
    "alnum": ScalarSet([0x30...0x39, 0x41...0x5a, 0x61...0x7a]),
    "alpha": ScalarSet([0x41...0x5a, 0x61...0x7a]),
    "ascii": ScalarSet([0...0x7f]), "blank": ScalarSet("\t "), "cntrl": ScalarSet([0...0x1f, 0x7f...0x7f]),
    "digit": digits, "graph": ScalarSet([0x21...0x7e]), "lower": ScalarSet([0x61...0x7a]),
    "print": ScalarSet([0x20...0x7e]),
    "punct": ScalarSet([0x21...0x2f, 0x3a...0x40, 0x5b...0x60, 0x7b...0x7e]),
    "space": ScalarSet("\t\n\u{b}\u{c}\r "), "upper": ScalarSet([0x41...0x5a]), "word": wordScalars,
    "xdigit": ScalarSet([0x30...0x39, 0x41...0x46, 0x61...0x66]),
  ]

  /// The scalars of a general category of Unicode, `Lu` or `L`; `nil` if there is none of that name.
  static func category(_ name: String) -> ScalarSet? {
    if name == "Any" { return all }
    let found = categories.filter { $0.key == name || name.count == 1 && $0.key.hasPrefix(name) }
    return found.isEmpty ? nil : found.values.reduce(ScalarSet()) { $0.union($1) }
  }

  private static let categories: [String: ScalarSet] = {
    var ranges: [String: [ClosedRange<UInt32>]] = [:]
    for value in 0...largest {
      guard let scalar = Unicode.Scalar(value), let name = scalar.properties.generalCategory.shortName else {
        continue
      }
      var start = value
      if let last = ranges[name]?.last, last.upperBound + 1 == value {
        start = last.lowerBound
        ranges[name]?.removeLast()
      }
      ranges[name, default: []].append(start...value)
    }
    return ranges.mapValues { ScalarSet($0) }
  }()
}

extension Unicode.GeneralCategory {
  /// Unicode's abbreviation; `nil` for scalars that are not assigned, of which expressions do not speak.
  fileprivate var shortName: String? {
    switch self {
    case .uppercaseLetter: "Lu"
    case .lowercaseLetter: "Ll"
    case .titlecaseLetter: "Lt"
    case .modifierLetter: "Lm"
    case .otherLetter: "Lo"
    case .nonspacingMark: "Mn"
    case .spacingMark: "Mc"
    case .enclosingMark: "Me"
    case .decimalNumber: "Nd"
    case .letterNumber: "Nl"
    case .otherNumber: "No"
    case .connectorPunctuation: "Pc"
    case .dashPunctuation: "Pd"
    case .openPunctuation: "Ps"
    case .closePunctuation: "Pe"
    case .initialPunctuation: "Pi"
    case .finalPunctuation: "Pf"
    case .otherPunctuation: "Po"
    case .mathSymbol: "Sm"
    case .currencySymbol: "Sc"
    case .modifierSymbol: "Sk"
    case .otherSymbol: "So"
    case .spaceSeparator: "Zs"
    case .lineSeparator: "Zl"
    case .paragraphSeparator: "Zp"
    case .control: "Cc"
    case .format: "Cf"
    case .surrogate: "Cs"
    case .privateUse: "Co"
    case .unassigned: nil
    @unknown default: nil
    }
  }
}
