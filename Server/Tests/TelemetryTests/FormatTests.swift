import Foundation
import Logging
import Synchronization
import Telemetry
import Testing

/// Formats written for other programs.
@Suite(.timeLimit(.minutes(5))) struct FormatTests {
  @Test func labelsAndHelpAreEscaped() {
    var exposition = Exposition()
    exposition.family("a_total", .counter, "one\\two\nthree", [([("name", "say \"hi\"\\\n")], 1)])
    #expect(
      exposition.text
        == "# HELP a_total one\\\\two\\nthree\n# TYPE a_total counter\na_total{name=\"say \\\"hi\\\"\\\\\\n\"} 1\n"
    )
  }

  @Test func aLogLineIsOneJSONObject() throws {
    let lines = Mutex<[Data]>([])
    var handler = JSONLinesLogHandler(label: "test") { line in lines.withLock { $0.append(line) } }
    handler[metadataKey: "model"] = "a"
    let log = Logger(label: "test") { _ in handler }
    log.info("first\nline", metadata: ["took_us": .stringConvertible(12), "who": "\"x\""])
    let data = try #require(lines.withLock { $0.first })
    #expect(data.last == 0x0A && data.filter { $0 == 0x0A }.count == 1)
    let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(object["message"] as? String == "first\nline")
    #expect(object["level"] as? String == "info")
    #expect(object["took_us"] as? Int == 12)
    #expect(object["who"] as? String == "\"x\"")
    #expect(object["model"] as? String == "a")
    #expect(object["time"] is String)
  }

  @Test func aLogLineForPeopleIsOneLineWhateverIsInIt() throws {
    let lines = Mutex<[String]>([])
    let stream = LineStream { data in lines.withLock { $0.append(String(decoding: data, as: UTF8.self)) } }
    let log = Logger(label: "test") { label in StreamLogHandler(label: label, stream: stream) }
    let forged = "a\n2026-11-30T00:00:00Z info fusedinf: forged"
    log.warning(
      "\(forged)", metadata: ["model": "b\r\u{2028}\u{85}\u{1B}[31m", "c\nd": ["e": "f\u{202E}\n"]])
    log.warning("é 漢字 and 'quotes' stay")
    let written = lines.withLock { $0 }
    #expect(written.count == 2)
    for line in written {
      #expect(line.hasSuffix("\n") && line.unicodeScalars.filter { $0 == "\n" }.count == 1)
      #expect(line.split(whereSeparator: \.isNewline).count == 1)
      #expect(!line.unicodeScalars.contains { "\r\u{85}\u{1B}\u{2028}\u{202E}".unicodeScalars.contains($0) })
    }
    #expect(written[0].contains("a\\n2026") && written[0].contains("\\u{1b}[31m"))
    #expect(written[1].contains("é 漢字 and 'quotes' stay"))
  }
}
