/// Matches texts by an automaton whose states are made as texts reach them, without backtracking: the time of a full match is at
/// most the product of the text's length and the expression's instructions, and as a rule a step a scalar.
package struct RegexMatcher {
  /// The scalar before a place, as far as assertions ask.
  private enum Before: UInt8 { case nothing, word, newline, other }

  private struct Key: Hashable {
    /// Instructions that could come next, before assertions are checked; ascending.
    var instructions: [Int32]
    var before: Before
  }

  private let expression: RegularExpression
  private let alphabet: RegexAlphabet
  private let hasAssertions: Bool
  private var states: [Key] = []
  private var numbers: [Key: Int] = [:]
  /// For each state and class the next state; −1 if it has not been made.
  private var steps: [Int32] = []
  /// For each state, whether a text may end there: 0 or 1; 2 if that is not known.
  private var ends: [UInt8] = []
  private var heldInstructions = 0
  private var marks: [Int32]
  private var mark: Int32 = 0
  private var stack: [Int32] = []

  /// Bounds on the automaton, which begins anew beyond them.
  private static let mostSteps = 1 << 18
  private static let mostInstructions = 1 << 18

  package init(_ expression: RegularExpression) {
    self.expression = expression
    alphabet = RegexAlphabet(expression.sets)
    hasAssertions = expression.instructions.contains { if case .assertion = $0 { true } else { false } }
    marks = [Int32](repeating: 0, count: expression.instructions.count + 1)
  }

  /// Bytes that the matcher keeps, about, with the states that a call makes.
  package var footprint: Int {
    alphabet.byteCount + 24 * expression.instructions.count + 4 * (Self.mostSteps + Self.mostInstructions)
  }

  /// Returns true if the expression matches the whole of a text.
  package mutating func matches(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    var state = begin(after: nil)
    var place = 0
    while place < text.count {
      var scalar = UInt32(text[place])
      if scalar < 0x80 {
        place += 1
      } else {
        guard let (decoded, length) = decodedScalar(text, at: place) else { return false }
        scalar = decoded
        place += length
      }
      state = next(state, alphabet.kind(of: scalar))
      if isDead(state) { return false }
    }
    return mayEnd(state, before: nil)
  }

  /// The state in which a match begins behind a scalar of a class, or at the begin of the text.
  mutating func begin(after kind: Int?) -> Int {
    number(of: Key(instructions: [0], before: kind.map(before) ?? .nothing))
  }

  /// The state that a class leads to from another one. It may have the number of a state before.
  @inline(__always)
  mutating func next(_ state: Int, _ kind: Int) -> Int {
    let step = steps[state * alphabet.count + kind]
    return step >= 0 ? Int(step) : made(from: state, kind)
  }

  /// Returns true if no more scalars can lead to a match.
  @inline(__always)
  func isDead(_ state: Int) -> Bool { states[state].instructions.isEmpty }

  /// Returns true if a match may end before a scalar of a class, or at the end of the text.
  @inline(__always)
  mutating func mayEnd(_ state: Int, before kind: Int?) -> Bool {
    if hasAssertions, kind != nil { return closureMatches(states[state], kind: kind) }
    if ends[state] == 2 { ends[state] = closureMatches(states[state], kind: nil) ? 1 : 0 }
    return ends[state] == 1
  }

  private mutating func closureMatches(_ key: Key, kind: Int?) -> Bool {
    _ = closure(key, kind: kind)
    return marks[expression.instructions.count] == mark
  }

  /// The class of a scalar.
  @inline(__always)
  func kind(of scalar: UInt32) -> Int { alphabet.kind(of: scalar) }

  /// The part of a class that assertions ask about.
  private func before(_ kind: Int) -> Before {
    guard hasAssertions else { return .nothing }
    return alphabet.isWord[kind] ? .word : alphabet.isNewline[kind] ? .newline : .other
  }

  /// The state that a class leads to from another one.
  private mutating func made(from state: Int, _ kind: Int) -> Int {
    let key = states[state]
    let reached = closure(key, kind: kind)
    var targets: [Int32] = []
    for index in reached {
      if case .set(let set) = expression.instructions[Int(index)], alphabet.contains(set, kind) {
        targets.append(index + 1)
      }
    }
    let before = self.before(kind)
    let isFull =
      steps.count + alphabet.count > max(Self.mostSteps, 4 * alphabet.count)
      || heldInstructions + targets.count > Self.mostInstructions
    if isFull {
      states.removeAll(keepingCapacity: true)
      numbers.removeAll(keepingCapacity: true)
      steps.removeAll(keepingCapacity: true)
      ends.removeAll(keepingCapacity: true)
      heldInstructions = 0
    }
    let next = number(of: Key(instructions: targets.sorted(), before: before))
    if !isFull { steps[state * alphabet.count + kind] = Int32(next) }
    return next
  }

  private mutating func number(of key: Key) -> Int {
    if let number = numbers[key] { return number }
    let number = states.count
    states.append(key)
    numbers[key] = number
    steps.append(contentsOf: repeatElement(-1, count: alphabet.count))
    ends.append(2)
    heldInstructions += key.instructions.count
    return number
  }

  /// The instructions that take a scalar and can come next, before one of class `kind`, or before the end. If a match is among
  /// them, its mark is set.
  private mutating func closure(_ key: Key, kind: Int?) -> [Int32] {
    mark &+= 1
    var reached: [Int32] = []
    stack.removeAll(keepingCapacity: true)
    stack.append(contentsOf: key.instructions)
    while let index = stack.popLast() {
      if marks[Int(index)] == mark { continue }
      marks[Int(index)] = mark
      switch expression.instructions[Int(index)] {
      case .set: reached.append(index)
      case .jump(let target): stack.append(Int32(target))
      case .split(let target):
        stack.append(Int32(target))
        stack.append(index + 1)
      case .assertion(let assertion):
        if holds(assertion, key.before, kind) { stack.append(index + 1) }
      case .match: marks[expression.instructions.count] = mark
      }
    }
    return reached
  }

  private func holds(_ assertion: RegularExpression.Assertion, _ before: Before, _ kind: Int?) -> Bool {
    let isBoundary = (before == .word) != (kind.map { alphabet.isWord[$0] } ?? false)
    switch assertion {
    case .begin: return before == .nothing
    case .end: return kind == nil
    case .lineBegin: return before == .nothing || before == .newline
    case .lineEnd: return kind.map { alphabet.isNewline[$0] } ?? true
    case .wordBoundary: return isBoundary
    case .noWordBoundary: return !isBoundary
    }
  }
}

/// The scalar of several bytes at a place of a text, and the number of its bytes; `nil` if they are not UTF-8.
package func decodedScalar(_ text: UnsafeBufferPointer<UInt8>, at place: Int) -> (UInt32, Int)? {
  let first = UInt32(text[place])
  let length =
    first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0
  guard length > 0, place + length <= text.count else { return nil }
  var value = length == 1 ? first : first & (0x7f >> UInt32(length))
  for index in 1..<length {
    let byte = UInt32(text[place + index])
    guard byte & 0xc0 == 0x80 else { return nil }
    value = value << 6 | byte & 0x3f
  }
  let isShort = length == 3 && value < 0x800 || length == 4 && value < 0x10000
  return isShort || Unicode.Scalar(value) == nil ? nil : (value, length)
}
