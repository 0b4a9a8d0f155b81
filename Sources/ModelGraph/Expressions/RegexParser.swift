/// Parses the syntax of RE2 with its Perl extensions.
struct RegexParser {
  typealias Fault = RegularExpression.Fault

  struct Flags {
    var foldsCase = false
    var isMultiline = false
    var dotMatchesNewline = false
  }

  /// A part of the expression, and the product of the counted repetitions inside one another.
  private struct Part {
    var node: RegexNode
    var repetitions = 1
  }

  let scalars: [Unicode.Scalar]
  var position = 0
  var flags = Flags()
  private var depth = 0

  private static let mostDepth = 200
  private static let mostRepetitions = 1000

  init(_ pattern: String) { scalars = Array(pattern.unicodeScalars) }

  var next: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

  func hasPrefix(_ text: String) -> Bool { scalars[position...].starts(with: text.unicodeScalars) }

  mutating func take(_ text: String) -> Bool {
    guard hasPrefix(text) else { return false }
    position += text.unicodeScalars.count
    return true
  }

  /// Parses the whole pattern.
  mutating func parsed() throws(Fault) -> RegexNode {
    let part = try choice()
    if next != nil { throw Fault(reason: "it has a ) without a (") }
    return part.node
  }

  private mutating func choice() throws(Fault) -> Part {
    var parts = [try sequence()]
    while take("|") { parts.append(try sequence()) }
    if parts.count == 1 { return parts[0] }
    return Part(node: .choice(parts.map(\.node)), repetitions: parts.map(\.repetitions).max() ?? 1)
  }

  private mutating func sequence() throws(Fault) -> Part {
    var nodes: [RegexNode] = []
    var repetitions = 1
    while let scalar = next, scalar != "|", scalar != ")" {
      var quoted = try quotation()
      // A repetition is of the last scalar.
      let last = quoted.popLast()
      guard var part = last == nil ? try atom() : last else { continue }
      nodes += quoted.map(\.node)
      var wasRepeated = false
      while let (least, most) = try repetition() {
        if wasRepeated { throw Fault(reason: "it repeats a repetition, which takes parentheses") }
        wasRepeated = true
        _ = take("?")
        let count = most ?? least
        if count > 1 {
          part.repetitions *= count
          guard part.repetitions <= Self.mostRepetitions else {
            throw Fault(reason: "it repeats more than \(Self.mostRepetitions) times")
          }
        }
        part.node = .repeated(part.node, least: least, most: most)
      }
      nodes.append(part.node)
      repetitions = max(repetitions, part.repetitions)
    }
    return Part(node: nodes.count == 1 ? nodes[0] : .sequence(nodes), repetitions: repetitions)
  }

  /// The scalars between `\Q` and `\E`, if they come next.
  private mutating func quotation() throws(Fault) -> [Part] {
    var parts: [Part] = []
    while parts.isEmpty, take("\\Q") {
      while next != nil, !take("\\E") { parts.append(Part(node: .set(literal(try takeScalar())))) }
    }
    return parts
  }

  /// The repetition that comes next, if one does.
  private mutating func repetition() throws(Fault) -> (least: Int, most: Int?)? {
    if take("*") { return (0, nil) }
    if take("+") { return (1, nil) }
    if take("?") { return (0, 1) }
    return try counts()
  }

  /// `{n}`, `{n,}` or `{n,m}`; anything else is no repetition.
  private mutating func counts() throws(Fault) -> (least: Int, most: Int?)? {
    let start = position
    guard take("{"), let least = number() else {
      position = start
      return nil
    }
    var most: Int? = least
    if take(",") { most = next == "}" ? nil : number() ?? -1 }
    guard most != -1, take("}") else {
      position = start
      return nil
    }
    guard least <= Self.mostRepetitions, most.map({ $0 >= least && $0 <= Self.mostRepetitions }) ?? true
    else {
      throw Fault(reason: "it repeats \(least) to \(most.map { "\($0)" } ?? "any number of") times")
    }
    return (least, most)
  }

  private mutating func number() -> Int? {
    var value: Int?
    while let digit = next, "0"..."9" ~= digit {
      // No number of this size is allowed.
      value = min((value ?? 0) * 10 + Int(digit.value - 48), 1 << 20)
      position += 1
    }
    return value
  }

  func literal(_ scalar: Unicode.Scalar) -> ScalarSet {
    let set = ScalarSet([scalar.value...scalar.value])
    return flags.foldsCase ? set.foldingCase : set
  }

  mutating func takeScalar() throws(Fault) -> Unicode.Scalar {
    guard let scalar = next else { throw Fault(reason: "it ends early") }
    position += 1
    return scalar
  }

  /// The next literal, class, group or assertion; `nil` for flags.
  private mutating func atom() throws(Fault) -> Part? {
    switch next {
    case "(": return try group()
    case "[": return Part(node: .set(try bracketed()))
    case "\\": return Part(node: try escaped())
    case "*", "+", "?": throw Fault(reason: "it repeats nothing")
    default: break
    }
    let scalar = try takeScalar()
    switch scalar {
    case ".":
      return Part(node: .set(flags.dotMatchesNewline ? .all : ScalarSet.newline.inverted))
    case "^": return Part(node: .assertion(flags.isMultiline ? .lineBegin : .begin))
    case "$": return Part(node: .assertion(flags.isMultiline ? .lineEnd : .end))
    default: return Part(node: .set(literal(scalar)))
    }
  }

  private mutating func group() throws(Fault) -> Part? {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.mostDepth else {
      throw Fault(reason: "its groups nest deeper than \(Self.mostDepth)")
    }
    _ = take("(")
    let outer = flags
    if take("?P<") || take("?<") {
      try groupName()
    } else if take("?") {
      if try !groupFlags() { return nil }
    }
    let part = try choice()
    guard take(")") else { throw Fault(reason: "it has a ( without a )") }
    flags = outer
    return part
  }

  private mutating func groupName() throws(Fault) {
    var name = ""
    while let scalar = next, scalar != ">" {
      guard ScalarSet.wordScalars.contains(scalar.value) else {
        throw Fault(reason: "it has a group of an invalid name")
      }
      name.unicodeScalars.append(scalar)
      position += 1
    }
    guard take(">"), !name.isEmpty else { throw Fault(reason: "it has a group of an empty name") }
  }

  /// Reads the flags after `(?`.
  /// - Returns: false if they end with `)`, and hold for the rest of the group around them.
  private mutating func groupFlags() throws(Fault) -> Bool {
    var value = true
    var isEmpty = true
    while true {
      switch try takeScalar() {
      case "i": flags.foldsCase = value
      case "m": flags.isMultiline = value
      case "s": flags.dotMatchesNewline = value
      // The greed of repetitions does not decide whether a text matches.
      case "U": break
      case "-" where value:
        value = false
        isEmpty = true
        continue
      case ":" where value || !isEmpty: return true
      case ")" where !isEmpty: return false
      case let scalar: throw Fault(reason: "it has a group (?\(scalar), which RE2 does not have")
      }
      isEmpty = false
    }
  }
}
