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
}
