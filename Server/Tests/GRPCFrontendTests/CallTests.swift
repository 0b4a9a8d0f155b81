import GRPCCore
import GRPCFrontend
import NIOHPACK
import Serving
import Testing

@Suite("What a call says of itself", .timeLimit(.minutes(5)))
struct CallTests {
  @Test(
    "The timeout is gRPC's text",
    arguments: [
      ("1H", 3_600_000_000_000), ("2M", 120_000_000_000), ("3S", 3_000_000_000), ("250m", 250_000_000),
      ("7u", 7000), ("99999999n", 99_999_999), ("0S", 0),
    ] as [(String, UInt64)])
  func timeout(text: String, nanoseconds: UInt64) {
    #expect(Call.nanoseconds(timeout: text) == nanoseconds)
  }

  @Test("What is no timeout is none", arguments: CallTests.noTimeouts)
  func noTimeout(text: String) { #expect(Call.nanoseconds(timeout: text) == nil) }

  static let noTimeouts = [
    "", "S", "12", "-1S", "-0S", "+1S", "-n", "-9999999H", "--1S", "1s", "123456789S", "1.5S", "१S", " 1S",
    "1S ",
    "1 S", "0x1S",
  ]

  @Test(
    "The transport sees no timeout, whatever the client sends", arguments: noTimeouts + ["5S", "99999999H"])
  func timeoutIsTakenOver(text: String) {
    var headers: HPACKHeaders = [
      ":path": "/a/b", "grpc-timeout": text, "given": "1n", "te": "trailers",
    ]
    let timeout = Result { () throws(ServiceError) in try headers.takeOverTimeout(as: "given") }
    #expect(headers["grpc-timeout"].isEmpty)
    switch timeout {
    case .success(let timeout):
      #expect(timeout == Call.nanoseconds(timeout: text) && timeout != nil)
      #expect(headers["given"] == [text])
    case .failure(let error):
      #expect(CallTests.noTimeouts.contains(text))
      #expect(error.kind == .invalidRequest && error.description.contains("grpc-timeout"))
      #expect(headers["given"].isEmpty)
    }
    #expect(headers.count == (headers["given"].isEmpty ? 2 : 3))
  }

  @Test("A call has one timeout, and may have none")
  func oneTimeout() throws {
    var headers: HPACKHeaders = ["grpc-timeout": "1S", "Grpc-Timeout": "-1S"]
    #expect(throws: ServiceError.self) { try headers.takeOverTimeout(as: "given") }
    #expect(headers.isEmpty)
    headers = ["given": "1n"]
    #expect(try headers.takeOverTimeout(as: "given") == nil)
    #expect(headers.isEmpty)
  }

  @Test("The largest timeout does not overflow")
  func largestTimeout() { #expect(Call.nanoseconds(timeout: "99999999H") == .max) }

  @Test(
    "Only addresses of this machine are loopback",
    arguments: [
      ("ipv4:127.0.0.1:40522", true), ("ipv4:127.8.9.1:1", true), ("ipv6:[::1]:40522", true),
      ("ipv6:[::ffff:127.0.0.1]:1", true), ("unix:/run/fusedinf.sock", true), ("ipv4:10.0.0.127:1", false),
      ("ipv4:128.0.0.1:1", false), ("ipv6:[::12]:1", false), ("ipv6:[::ffff:10.0.0.1]:1", false),
      ("<unknown>", false), ("", false),
    ])
  func loopback(peer: String, isLoopback: Bool) { #expect(Call.isLoopback(peer: peer) == isLoopback) }

  @Test(
    "A key comes after the word Bearer, in whatever case",
    arguments: [
      ("Bearer abc", "abc"), ("bearer a b", "a b"), ("Basic abc", nil), ("abc", nil), ("Bearer", nil),
    ]
      as [(String, String?)])
  func bearer(text: String, key: String?) { #expect(Call.bearerToken(text) == key) }

  @Test(
    "Each kind of refusal has the status that clients act on",
    arguments: [
      (.invalidRequest, .invalidArgument), (.unauthenticated, .unauthenticated),
      (.forbidden, .permissionDenied),
      (.notFound, .notFound), (.tooLarge, .failedPrecondition), (.tooManyRequests, .resourceExhausted),
      (.cancelled, .cancelled), (.failed, .internalError), (.unsupported, .unimplemented),
      (.unavailable, .unavailable), (.deadlineExceeded, .deadlineExceeded),
    ] as [(ServiceError.Kind, RPCError.Code)])
  func status(kind: ServiceError.Kind, code: RPCError.Code) {
    #expect(RPCError(ServiceError(kind, "why")).code == code)
  }

  @Test("When to ask again is in the trailing metadata, in seconds and in milliseconds")
  func retryAfter() {
    let error = RPCError(ServiceError(.tooManyRequests, "full", retryAfter: .milliseconds(1200)))
    #expect(error.metadata.first("retry-after") == "2")
    #expect(error.metadata.first("grpc-retry-pushback-ms") == "1200")
    #expect(RPCError(ServiceError(.tooManyRequests, "full")).metadata.isEmpty)
  }
}
