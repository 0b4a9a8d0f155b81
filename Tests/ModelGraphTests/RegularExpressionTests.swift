import ModelGraph
import Testing

/// Expressions beyond the cases that onnxruntime answers.
@Suite struct RegularExpressionTests {
  private func matches(_ pattern: String, _ text: [UInt8]) throws -> Bool {
    var matcher = RegexMatcher(try RegularExpression(pattern))
    return text.withUnsafeBufferPointer { matcher.matches($0) }
  }

  /// Bytes that are not UTF-8 match nothing.
  @Test(
    arguments: [[0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0x41, 0x80]]
      as [[UInt8]])
  func invalidTextsDoNotMatch(text: [UInt8]) throws {
    #expect(try !matches("(?s).*", text))
    #expect(try !matches("[^x]+", text))
  }

  /// The time is linear in the text, also where backtracking would take years, and where states never repeat.
  @Test(.timeLimit(.minutes(1))) func hostilePatternsEnd() throws {
    let text = [UInt8](repeating: UInt8(ascii: "a"), count: 20_000)
    #expect(try !matches("(a*)*b", text))
    #expect(try !matches("(a|a)*(a|a)*(a|aa)*b", text))
    #expect(try matches("(a?){100}(a|b)*", text))
    var mixed: [UInt8] = []
    var state: UInt32 = 1
    for _ in 0..<20_000 {
      state = state &* 1_664_525 &+ 1_013_904_223
      mixed.append(state >> 31 == 0 ? UInt8(ascii: "a") : UInt8(ascii: "b"))
    }
    _ = try matches("(a|b)*a(a|b){200}", mixed)
  }

  /// The first match is the longest one at its place, and assertions see the text before it.
  @Test func matchesAreFound() throws {
    let text = Array("é aab, ab".utf8)
    func first(_ pattern: String, from start: Int, steps: Int = 100) throws -> Range<Int>? {
      var matcher = RegexMatcher(try RegularExpression(pattern))
      var steps = steps
      return try text.withUnsafeBufferPointer { try matcher.firstMatch(in: $0, from: start, steps: &steps) }
    }
    #expect(try first("a|aab|b", from: 0) == 3..<6)
    #expect(try first("\\b[a-z]", from: 4) == 8..<9)
    #expect(try first("^a", from: 3) == nil)
    #expect(try first("x*", from: text.count) == text.count..<text.count)
    #expect(throws: RegexMatcher.TooManySteps.self) { try first("[^b]*z", from: 0, steps: 3) }
  }

  @Test func sizesAreBounded() {
    for pattern in [
      String(repeating: "(", count: 300) + String(repeating: ")", count: 300),
      String(repeating: "x", count: 20_000),
      "(\\pL{1000}){2}", "((a{30}){30}){30}", "[" + String(repeating: "\\pL", count: 20_000) + "]",
      "(" + String(repeating: "()", count: 20_000) + "){1000}",
    ] { #expect(throws: RegularExpression.Fault.self) { _ = try RegularExpression(pattern) } }
  }

  /// Cut and mixed patterns are refused or compiled, and never trap.
  @Test func mutatedPatternsDoNotTrap() {
    let pattern = #"(?i)a{2,3}[^\d-z[:alpha:]]\x{1F600}\Qx\E(?P<n>\pL|\P{Lu})*?$|\b\07+"#
    let scalars = Array(pattern.unicodeScalars)
    for index in scalars.indices {
      for other in [scalars[(index * 7) % scalars.count], "\\", "(", "]", "{", "é"] {
        var mutated = scalars
        mutated[index] = other
        for cut in [scalars.count, index + 1] {
          var text = String.UnicodeScalarView()
          text.append(contentsOf: mutated.prefix(cut))
          if let expression = try? RegularExpression(String(text)) {
            var matcher = RegexMatcher(expression)
            _ = Array("aaé\u{1F600}x".utf8).withUnsafeBufferPointer { matcher.matches($0) }
          }
        }
      }
    }
  }
}
