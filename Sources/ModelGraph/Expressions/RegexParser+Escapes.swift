extension RegexParser {
  /// An escape outside of brackets.
  mutating func escaped() throws(Fault) -> RegexNode {
    if take("\\A") { return .assertion(.begin) }
    if take("\\z") { return .assertion(.end) }
    if take("\\b") { return .assertion(.wordBoundary) }
    if take("\\B") { return .assertion(.noWordBoundary) }
    if hasPrefix("\\C") { throw Fault(reason: "\\C is not supported") }
    if let set = try escapedClass() { return .set(set) }
    return .set(literal(try escapedScalar()))
  }

  /// The class that an escape stands for; `nil` for one that stands for a scalar.
  mutating func escapedClass() throws(Fault) -> ScalarSet? {
    guard position + 1 < scalars.count, scalars[position] == "\\" else { return nil }
    let letter = scalars[position + 1]
    if let set = ScalarSet.perl[letter] {
      position += 2
      return set
    }
    guard letter == "p" || letter == "P" else { return nil }
    position += 2
    var isNegated = letter == "P"
    var name = ""
    if take("{") {
      if take("^") { isNegated.toggle() }
      while let scalar = next, scalar != "}" {
        name.unicodeScalars.append(scalar)
        position += 1
      }
      guard take("}") else { throw Fault(reason: "it has a \\p{ without a }") }
    } else {
      name.unicodeScalars.append(try takeScalar())
    }
    guard let set = ScalarSet.category(name) else {
      throw Fault(reason: "\\p{\(name)} is no general category of Unicode; scripts are not supported")
    }
    let folded = flags.foldsCase ? set.foldingCase : set
    return isNegated ? folded.inverted : folded
  }

  /// The scalar that an escape stands for.
  mutating func escapedScalar() throws(Fault) -> Unicode.Scalar {
    _ = take("\\")
    let scalar = try takeScalar()
    let controls: [Unicode.Scalar: Unicode.Scalar] = [
      "a": "\u{7}", "f": "\u{c}", "t": "\t", "n": "\n", "r": "\r", "v": "\u{b}",
    ]
    if let control = controls[scalar] { return control }
    switch scalar {
    // One digit alone would be a reference to a group.
    case "1"..."7" where next.map { !("0"..."7" ~= $0) } ?? true: break
    case "0"..."7":
      var value = scalar.value - 48
      for _ in 0..<2 {
        guard let digit = next, "0"..."7" ~= digit else { break }
        value = value * 8 + digit.value - 48
        position += 1
      }
      return Unicode.Scalar(value) ?? scalar
    case "x": return try hexadecimal()
    default:
      if scalar.value < 0x80, scalar == "_" || !ScalarSet.wordScalars.contains(scalar.value) { return scalar }
    }
    throw Fault(reason: "it has an invalid escape \\\(scalar)")
  }

  /// `\x7f` or `\x{10ffff}`.
  private mutating func hexadecimal() throws(Fault) -> Unicode.Scalar {
    var digits = ""
    if take("{") {
      while let digit = next, digit != "}", digits.utf8.count < 8 {
        digits.unicodeScalars.append(digit)
        position += 1
      }
      guard take("}") else { throw Fault(reason: "it has a \\x{ without a }") }
    } else {
      for _ in 0..<2 { digits.unicodeScalars.append(try takeScalar()) }
    }
    guard digits.allSatisfy(\.isHexDigit), let value = UInt32(digits, radix: 16),
      let scalar = Unicode.Scalar(value)
    else { throw Fault(reason: "it has an invalid escape \\x\(digits)") }
    return scalar
  }

  /// A class in brackets.
  mutating func bracketed() throws(Fault) -> ScalarSet {
    _ = take("[")
    let isNegated = take("^")
    var ranges: [ClosedRange<UInt32>] = []
    var isFirst = true
    while isFirst || next != "]" {
      isFirst = false
      if hasPrefix("[:"), let set = try posixClass() {
        ranges += set.ranges
        continue
      }
      if let set = try escapedClass() {
        ranges += set.ranges
        continue
      }
      let low = try bracketedScalar()
      var high = low
      if next == "-", position + 1 < scalars.count, scalars[position + 1] != "]" {
        position += 1
        high = try bracketedScalar()
        guard low <= high else { throw Fault(reason: "it has the range \(low)-\(high), which is empty") }
      }
      ranges.append(low.value...high.value)
    }
    guard take("]") else { throw Fault(reason: "it has a [ without a ]") }
    let set = ScalarSet(ranges)
    let folded = flags.foldsCase ? set.foldingCase : set
    return isNegated ? folded.inverted : folded
  }

  private mutating func bracketedScalar() throws(Fault) -> Unicode.Scalar {
    guard next != nil else { throw Fault(reason: "it has a [ without a ]") }
    return next == "\\" ? try escapedScalar() : try takeScalar()
  }

  /// `[:alpha:]` or `[:^alpha:]`; `nil` if there is no end.
  private mutating func posixClass() throws(Fault) -> ScalarSet? {
    let start = position + 2
    var place = start
    while place + 1 < scalars.count, !(scalars[place] == ":" && scalars[place + 1] == "]") { place += 1 }
    guard place + 1 < scalars.count else { return nil }
    position = place + 2
    var name = ""
    name.unicodeScalars.append(contentsOf: scalars[start..<place])
    let isNegated = name.hasPrefix("^")
    guard let set = ScalarSet.posix[isNegated ? String(name.dropFirst()) : name] else {
      throw Fault(reason: "it has the class [:\(name):], which does not exist")
    }
    let folded = flags.foldsCase ? set.foldingCase : set
    return isNegated ? folded.inverted : folded
  }
}
