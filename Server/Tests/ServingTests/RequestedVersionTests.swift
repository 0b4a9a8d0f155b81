import Serving
import Testing

@Suite("A version that a request names", .timeLimit(.minutes(5))) struct RequestedVersionTests {
  @Test("is a number from 1, or the newest when it is empty")
  func numbers() throws {
    #expect(try Int(modelVersion: "1") == 1)
    #expect(try Int(modelVersion: "\(Int.max)") == .max)
    #expect(try Int(modelVersion: "") == nil)
  }

  @Test(
    "is written as versions are",
    arguments: ["0", "-1", "+1", "01", " 1", "1.0", "1e0", "newest", "١", "9223372036854775808"])
  func others(text: String) {
    #expect(throws: ServiceError.self) { try Int(modelVersion: text) }
  }
}
