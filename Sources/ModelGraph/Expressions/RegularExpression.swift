/// A regular expression in the syntax of RE2 (<https://github.com/google/re2/wiki/Syntax>), compiled for an automaton.
///
/// Not supported are scripts (`\p{Greek}`) and `\C`. Expressions are over Unicode scalars: bytes that are not UTF-8 match nothing.
package struct RegularExpression: Sendable {
  /// A fault in a pattern, or a form that is not supported.
  package struct Fault: Error, CustomStringConvertible {
    package var reason: String
    package var description: String { reason }
  }

  /// A condition on the place between two scalars.
  package enum Assertion: Sendable, Hashable {
    case begin, end, lineBegin, lineEnd, wordBoundary, noWordBoundary
  }

  package enum Instruction: Sendable {
    /// A scalar of the set of this index, then the next instruction.
    case set(Int)
    case assertion(Assertion)
    /// The next instruction, or the other one.
    case split(Int)
    case jump(Int)
    case match
  }

  /// The instructions. Those that `split` and `jump` name are given by their indices.
  package private(set) var instructions: [Instruction] = []
  /// The distinct sets of ``Instruction/set(_:)``.
  package private(set) var sets: [ScalarSet] = []
  private var places: [ScalarSet: Int] = [:]

  /// The most instructions: a bound on the memory and on the time for each scalar of a text.
  private static let mostInstructions = 10_000
  private static let mostSets = 1000
  /// The most bytes of a pattern: a bound on the time and memory of parsing, which add up before there are instructions.
  private static let mostBytes = 1 << 15

  package init(_ pattern: String) throws(Fault) {
    guard pattern.utf8.count <= Self.mostBytes else {
      throw Fault(reason: "it has more than \(Self.mostBytes) bytes")
    }
    var parser = RegexParser(pattern)
    try add(try parser.parsed())
    try append(.match)
  }

  private mutating func append(_ instruction: Instruction) throws(Fault) {
    guard instructions.count < Self.mostInstructions else {
      throw Fault(reason: "it takes more than \(Self.mostInstructions) instructions")
    }
    instructions.append(instruction)
  }

  private mutating func add(_ node: RegexNode) throws(Fault) {
    switch node {
    case .set(let set):
      let place = places[set] ?? sets.count
      if place == sets.count {
        guard place < Self.mostSets else {
          throw Fault(reason: "it has more than \(Self.mostSets) classes of characters")
        }
        places[set] = place
        sets.append(set)
      }
      try append(.set(place))
    case .assertion(let assertion): try append(.assertion(assertion))
    case .sequence(let parts): for part in parts { try add(part) }
    case .choice(let parts): try addChoice(parts[...])
    case .repeated(let part, let least, let most):
      for _ in 0..<least { try add(part) }
      guard let most else { return try addLoop(part) }
      var splits: [Int] = []
      for _ in least..<most {
        splits.append(instructions.count)
        try append(.split(0))
        try add(part)
      }
      for split in splits { instructions[split] = .split(instructions.count) }
    }
  }

  private mutating func addLoop(_ part: RegexNode) throws(Fault) {
    let start = instructions.count
    try append(.split(0))
    try add(part)
    try append(.jump(start))
    instructions[start] = .split(instructions.count)
  }

  private mutating func addChoice(_ parts: ArraySlice<RegexNode>) throws(Fault) {
    var jumps: [Int] = []
    for (index, part) in parts.enumerated() {
      guard index + 1 < parts.count else {
        try add(part)
        break
      }
      let split = instructions.count
      try append(.split(0))
      try add(part)
      jumps.append(instructions.count)
      try append(.jump(0))
      instructions[split] = .split(instructions.count)
    }
    for jump in jumps { instructions[jump] = .jump(instructions.count) }
  }
}

/// A parsed expression.
indirect enum RegexNode {
  case set(ScalarSet)
  case assertion(RegularExpression.Assertion)
  case sequence([RegexNode])
  case choice([RegexNode])
  /// - Parameter most: `nil` for any number.
  case repeated(RegexNode, least: Int, most: Int?)
}
