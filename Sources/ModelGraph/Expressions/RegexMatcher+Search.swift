extension RegexMatcher {
  /// Returns the first match from `start` on of a text, the longest at its place; `nil` if there is none. Assertions see the
  /// whole text.
  /// - Parameters:
  ///   - text: UTF-8.
  ///   - start: the place of a scalar, or the end.
  ///   - steps: the scalars that may be read, of which those that are read are taken off.
  /// - Throws: ``TooManySteps`` if `steps` are used up.
  package mutating func firstMatch(
    in text: UnsafeBufferPointer<UInt8>, from start: Int, steps: inout Int
  ) throws(TooManySteps) -> Range<Int>? {
    var place = start
    while place <= text.count {
      if let end = try longestMatch(in: text, at: place, steps: &steps) { return place..<end }
      place += place < text.count ? decodedScalar(text, at: place)?.1 ?? 1 : 1
    }
    return nil
  }

  /// The search takes more steps than it may.
  package struct TooManySteps: Error {}

  /// The end of the longest match that begins at a place.
  private mutating func longestMatch(
    in text: UnsafeBufferPointer<UInt8>, at start: Int, steps: inout Int
  ) throws(TooManySteps) -> Int? {
    var state = begin(after: scalarKind(before: start, of: text))
    var (place, end) = (start, Int?.none)
    while true {
      guard steps > 0 else { throw TooManySteps() }
      steps -= 1
      var (kind, length) = (Int?.none, 0)
      if place < text.count {
        guard let (scalar, width) = decodedScalar(text, at: place) else { return end }
        (kind, length) = (self.kind(of: scalar), width)
      }
      if mayEnd(state, before: kind) { end = place }
      guard let kind else { return end }
      state = next(state, kind)
      if isDead(state) { return end }
      place += length
    }
  }

  /// The class of the scalar before a place.
  private func scalarKind(before place: Int, of text: UnsafeBufferPointer<UInt8>) -> Int? {
    var start = place - 1
    while start >= 0, text[start] & 0xc0 == 0x80 { start -= 1 }
    guard start >= 0, let (scalar, _) = decodedScalar(text, at: start) else { return nil }
    return kind(of: scalar)
  }
}
