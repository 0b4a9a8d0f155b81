import Device
import ModelGraph
import Tensors

/// `https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.Tokenizer`. If no text has a token,
/// the new axis is empty, also between marks.
extension Tokenizer: HostOperator {
  package func count(_ operands: [Tensor?]) throws -> CountedResults {
    let operands = HostOperands(self, operands)
    let x = try operands.operand(0, of: .string)
    try operands.require(1...2 ~= x.shape.rank, "has an operand of \(x.shape)")
    try operands.require(padding.count == 1, "has \(padding.count) texts as padding")
    guard let handles = x.handles, let table = x.table else { throw operands.invalidData("lacks its texts") }
    var splitter = try TokenSplitter(self)
    var (most, bytes) = (0, 0)
    for handle in handles {
      try table.withBytes(handle) { text in
        var tokens = 0
        try splitter.forEach(text) { range in
          tokens += 1
          bytes = bytes.adding(saturating: range.count + 8)
        }
        most = max(most, tokens)
      }
    }
    let width = most == 0 ? 0 : most + (isMarked ? 2 : 0)
    let shape = try Shape(checking: x.shape.dims + [width])
    return CountedResults(
      [KernelRequest.ResultType(.string, shape)], textBytes: bytes.adding(saturating: padding.byteCount + 32)
    ) {
      [try tokens(of: handles, table, splitter, shape)]
    }
  }

  private func tokens(
    of handles: [UInt64], _ table: StringTable, _ splitter: TokenSplitter, _ shape: Shape
  ) throws -> Tensor {
    var splitter = splitter
    let made = StringTable()
    let padding = try made.add(padding[0])
    let marks = isMarked ? (start: try made.add([2]), end: try made.add([3])) : nil
    let width = shape.dims[shape.rank - 1]
    return try Tensor(elementType: .string, shape: shape, table: made) { memory in
      guard width > 0 else { return }
      let elements = memory.bindMemory(to: UInt64.self)
      elements.update(repeating: padding)
      for (row, handle) in handles.enumerated() {
        var place = row * width
        func put(_ token: UInt64) {
          elements[place] = token
          place += 1
        }
        if let marks { put(marks.start) }
        try table.withBytes(handle) { text in
          try splitter.forEach(text) { put(try made.add(UnsafeBufferPointer(rebasing: text[$0]))) }
        }
        if let marks { put(marks.end) }
      }
    }
  }
}

/// The tokens of texts.
private struct TokenSplitter {
  private let form: Tokenizer.Form
  private let minimumLength: Int
  private var matchers: [RegexMatcher]
  /// A search is refused that reads a text this many times, and some more.
  private static let mostReadings = 256

  init(_ tokenizer: Tokenizer) throws {
    (form, minimumLength) = (tokenizer.form, tokenizer.minimumLength)
    let count = tokenizer.patterns.count
    guard form == .separators ? 1...Tokenizer.maximumPatterns ~= count : count == (form == .matches ? 1 : 0)
    else {
      throw DeviceError(.invalidArgument, "\(Tokenizer.name) has \(count) patterns")
    }
    do {
      matchers = try tokenizer.patterns.texts.map { RegexMatcher(try RegularExpression($0)) }
    } catch {
      throw DeviceError(.invalidArgument, "\(Tokenizer.name) has a pattern that cannot be used: \(error)")
    }
  }

  /// Calls `body` with the place of each token of a text.
  mutating func forEach(_ text: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) throws -> Void) throws {
    guard let length = scalarCount(text) else {
      throw DeviceError(.invalidData, "\(Tokenizer.name) has a text that is not UTF-8")
    }
    switch form {
    case .characters:
      var place = 0
      while place < text.count {
        let end = after(place, text)
        if minimumLength <= 1 { try body(place..<end) }
        place = end
      }
    case .matches:
      guard length >= minimumLength else { return }
      let minimumLength = minimumLength
      try forEachMatch(0, text) { match in
        guard isLong(text[match], minimumLength) else { return after(match.lowerBound, text) }
        try body(match)
        return match.upperBound
      }
    case .separators: try split(text, 0..<text.count, by: 0, body)
    }
  }

  /// Calls `body` with the parts of a range of a text between matches of the separator at `index` and of those behind it.
  private mutating func split(
    _ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, by index: Int,
    _ body: (Range<Int>) throws -> Void
  ) throws {
    if index == matchers.count { return try body(range) }
    let part = UnsafeBufferPointer(rebasing: text[range])
    var parts: [Range<Int>] = []
    var start = 0
    try forEachMatch(index, part) { match in
      parts.append(start..<match.lowerBound)
      // An empty match takes the character behind it.
      start = match.isEmpty ? after(match.lowerBound, part) : match.upperBound
      return start
    }
    if start < part.count { parts.append(start..<part.count) }
    for found in parts where isLong(part[found], minimumLength) {
      try split(
        text, range.lowerBound + found.lowerBound..<range.lowerBound + found.upperBound, by: index + 1, body)
    }
  }

  /// Calls `body` with one match after the other. It returns the place behind the match's begin from which the next one is
  /// searched.
  private mutating func forEachMatch(
    _ index: Int, _ text: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) throws -> Int
  ) throws {
    var steps = Self.mostReadings * text.count.adding(saturating: 4096)
    var start = 0
    while start < text.count {
      do {
        guard let match = try matchers[index].firstMatch(in: text, from: start, steps: &steps) else { return }
        start = try body(match)
      } catch is RegexMatcher.TooManySteps {
        throw DeviceError(
          .invalidData,
          "\(Tokenizer.name) would read a text more than \(Self.mostReadings) times by its pattern")
      }
    }
  }
}

/// Returns true if a text has at least `minimum` scalars.
private func isLong(_ text: some Collection<UInt8>, _ minimum: Int) -> Bool {
  guard text.count >= minimum else { return false }
  return text.reduce(0) { $0 + ($1 & 0xc0 == 0x80 ? 0 : 1) } >= minimum
}

/// The place behind the scalar at a place.
private func after(_ place: Int, _ text: UnsafeBufferPointer<UInt8>) -> Int {
  place + (place < text.count ? decodedScalar(text, at: place)?.1 ?? 1 : 1)
}

/// The number of scalars; `nil` if the bytes are not UTF-8.
private func scalarCount(_ text: UnsafeBufferPointer<UInt8>) -> Int? {
  var (count, place) = (0, 0)
  while place < text.count {
    guard let (_, length) = decodedScalar(text, at: place) else { return nil }
    (count, place) = (count + 1, place + length)
  }
  return count
}
