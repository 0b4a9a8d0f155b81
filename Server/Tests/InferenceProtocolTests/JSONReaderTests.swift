import Foundation
import Testing

import InferenceProtocol

/// Reads all of `text` with `body`.
private func read<Result>(_ text: String, _ body: (inout JSONReader) throws -> Result) throws -> Result {
  try Array(text.utf8).withUnsafeBytes { bytes in
    var reader = JSONReader(bytes)
    let result = try body(&reader)
    try reader.finish()
    return result
  }
}

@Suite(.timeLimit(.minutes(5))) struct JSONReaderTests {
  @Test(arguments: [
    "0", "-1", "9223372036854775807", "-9223372036854775808", "18446744073709551615", "1.5", "-2e-7", "1E+3",
    "123456789012345678901234567890", "0.1", "4.9406564584124654e-324", "1.7976931348623157e308",
    "3.4028235e38",
    "2.2250738585072011e-308", "0.30000000000000004", "9007199254740993", "1e22", "1e23", "123456.789e-30",
  ])
  func numbersAreWhatTheCLibraryReads(_ text: String) throws {
    #expect(try read(text) { try $0.readNumber().double } == strtod(text, nil))
  }

  @Test func wholeNumbersAreExact() throws {
    #expect(try read("9007199254740993") { try $0.readNumber() } == .int(9_007_199_254_740_993))
    #expect(try read("-9223372036854775808") { try $0.readNumber() } == .int(.min))
    #expect(try read("18446744073709551615") { try $0.readNumber() } == .uint(.max))
  }

  @Test func namesOfNumbersAreRead() throws {
    #expect(try read("NaN") { try $0.readNumber().double }.isNaN)
    #expect(try read("-Infinity") { try $0.readNumber().double } == -.infinity)
    #expect(try read("Infinity") { try $0.readNumber().double } == .infinity)
  }

  @Test(arguments: [
    #""a\u00e9\ud83d\ude00\n\/\"""#, #""é😀""#, #""""#, #""\b\f\r\t\\""#,
  ])
  func stringsAreWhatFoundationReads(_ text: String) throws {
    let expected =
      try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed) as? String
    #expect(try read(text) { try $0.readString() } == expected)
  }

  @Test(arguments: [
    "", "{", "[1,", "[1 2]", "{\"a\"}", "{\"a\":}", "{a:1}", "[1,]", "{\"a\":1,}", "01", "-", "1.", ".5",
    "1e", "+1",
    "\"", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\u{1}\"", "tru", "nul", "[1]]",
    "1 2", "Nan", "-NaN1",
  ])
  func whatIsNoJSONIsRefused(_ text: String) {
    #expect(throws: ProtocolError.self) { try read(text) { try $0.skipValue() } }
  }

  @Test func nestingIsBounded() throws {
    for open in ["[", "{\"a\":"] {
      let deep = String(repeating: open, count: 100_000)
      #expect(throws: ProtocolError.self) { try read(deep) { try $0.skipValue() } }
    }
    let allowed = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
    try read(allowed) { try $0.skipValue() }
  }

  @Test func invalidUTF8IsRefused() {
    let bytes: [UInt8] = [0x22, 0xff, 0xfe, 0x22]
    bytes.withUnsafeBytes { bytes in
      var reader = JSONReader(bytes)
      #expect(throws: ProtocolError.self) { try reader.readString() }
    }
  }

  /// Documents that are changed at random: no position traps, and what Foundation accepts is accepted.
  @Test func randomBytesNeverTrap() throws {
    var random = SplitMix(state: 7)
    let seeds = [
      #"{"id":"1","inputs":[{"name":"x","shape":[1,4],"datatype":"FP32","data":[[1,2.5,-3e2,0]]}],"outputs":[]}"#,
      #"[true,false,null,"a\u00e9\n",{"a":{"b":[1,[2,[3]]]}},-0.1e-3,18446744073709551615]"#,
    ]
    var accepted = 0
    for round in 0..<20_000 {
      var bytes = Array(seeds[round % seeds.count].utf8)
      for _ in 0..<Int(random.next() % 4) {
        let position = Int(random.next() % UInt64(bytes.count))
        switch random.next() % 3 {
        case 0: bytes[position] = UInt8(random.next() % 128)
        case 1: bytes.remove(at: position)
        default: bytes.insert(Array(#"[]{}",:0e-."#.utf8)[Int(random.next() % 11)], at: position)
        }
      }
      let isAccepted = bytes.withUnsafeBytes { bytes in
        var reader = JSONReader(bytes)
        do {
          try reader.skipValue()
          try reader.finish()
          return true
        } catch { return false }
      }
      // Foundation takes a comma before the end of an array or object, which JSON has not.
      let text = String(decoding: bytes, as: UTF8.self)
      let dense = text.filter { !$0.isWhitespace }
      if !dense.contains(",]"), !dense.contains(",}"),
        (try? JSONSerialization.jsonObject(with: Data(bytes))) != nil
      {
        accepted += 1
        #expect(isAccepted, "\(text)")
      }
    }
    #expect(accepted > 1000)
  }
}

/// Small numbers that look random and are the same in each run.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
