import HTTPFrontend
import NIOHTTP1
import Serving
import Testing

/// The host that a request's header names (RFC 9112, 3.2).
@Suite struct RequestOriginTests {
  private func origin(
    _ fields: [(String, String)], version: HTTPVersion = .http1_1, uri: String = "/v2"
  ) throws -> RequestOrigin {
    try RequestOrigin(
      HTTPRequestHead(version: version, method: .GET, uri: uri, headers: HTTPHeaders(fields)))
  }

  @Test func aRequestNamesItsHostOnce() throws {
    #expect(try origin([("host", "localhost:8000")]).authority == "localhost:8000")
    for fields in [[], [("Host", "a"), ("host", "b")], [("Host", "a"), ("Host", "a")]] {
      do {
        _ = try origin(fields)
        Issue.record("\(fields) is taken")
      } catch let refusal as ConnectionState.Refusal { #expect(refusal.status == 400) }
    }
  }

  @Test func olderRequestsMayNameNone() throws {
    #expect(try origin([], version: .http1_0).authority == nil)
    #expect(throws: ConnectionState.Refusal.self) {
      try origin([("Host", "a"), ("Host", "b")], version: .http1_0)
    }
  }

  @Test func anAbsoluteTargetAndTheHostAgree() throws {
    #expect(try origin([("Host", "a:1")], uri: "http://a:1/v2").authority == "a:1")
    #expect(try origin([], version: .http1_0, uri: "http://evil.example/v2").authority == "evil.example")
    #expect(throws: ConnectionState.Refusal.self) {
      try origin([("Host", "localhost")], uri: "http://evil.example/v2")
    }
    // A target that is a path names no host, whatever else is in it.
    #expect(try origin([("Host", "a")], uri: "/v2?x=http://b/").authority == "a")
  }
}
