import Serving
import Testing

/// Hosts and pages that a server answers. The tables' rows are requests as browsers, proxies and programs send them.
@Suite struct OriginRulesTests {
  private func request(_ authority: String?, _ fields: [(String, String)] = []) -> RequestOrigin {
    var origin = RequestOrigin(authority: authority)
    for (name, value) in fields { origin.add(name, value) }
    return origin
  }

  private func refusal(
    _ rules: OriginRules, _ authority: String?, _ fields: [(String, String)] = [], isPage: Bool = false
  ) -> ServiceError.Kind? {
    do throws(ServiceError) {
      _ = try rules.admit(request(authority, fields), isPage: isPage)
      return nil
    } catch { return error.kind }
  }

  @Test(arguments: [
    "localhost", "LocalHost:8000", "localhost.", "127.0.0.1:8000", "127.9.8.7", "[::1]", "[::1]:8000",
    "[0:0:0:0:0:0:0:1]:1",
    "[::ffff:127.0.0.1]:80",
  ])
  func onLoopbackItsNamesAreAnswered(authority: String) throws {
    for address in ["127.0.0.1", "::1", "localhost", "127.0.0.2"] {
      #expect(try OriginRules(address: address).admit(request(authority)).isLocal)
    }
  }

  @Test(arguments: [
    "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example", "127.1", "0x7f.0.0.1",
    "0127.0.0.1", "0.0.0.0:8000",
    "192.168.0.1", "[::2]:8000", "[::]", "1270.0.0.1", "box",
  ])
  func onLoopbackOtherNamesAreNot(authority: String) {
    #expect(refusal(OriginRules(), authority) == .forbidden)
  }

  @Test(arguments: [
    "", "a b", "localhost:x", "localhost:99999", "localhost:-1", "[::1", "::1", "user@localhost",
    "localhost/x", "[]:1", ":8000",
  ])
  func whatIsNoHostIsMalformed(authority: String) {
    for rules in [OriginRules(), OriginRules(address: "0.0.0.0")] {
      #expect(refusal(rules, authority) == .invalidRequest)
    }
  }

  @Test func aSettingNamesMoreHosts() throws {
    let rules = OriginRules(hosts: ["Box.lan", "*.infer.example"])
    for name in ["box.lan:8000", "a.infer.example", "localhost"] { #expect(refusal(rules, name) == nil) }
    for name in ["box.lan.evil.example", "infer.example", "192.168.0.1"] {
      #expect(refusal(rules, name) == .forbidden)
    }
    // A name of this setting can be what a proxy on this machine is reached by.
    #expect(try !rules.admit(request("box.lan")).isLocal)
  }

  @Test func aServerForTheNetworkTakesAllHostsUntilSomeAreNamed() throws {
    let open = OriginRules(address: "0.0.0.0")
    #expect(refusal(open, "box.lan") == nil)
    // A name that was made to lead to this machine's loopback is no local caller's.
    #expect(try !open.admit(request("evil.example")).isLocal)
    #expect(try open.admit(request("127.0.0.1:8000")).isLocal)
    let named = OriginRules(address: "0.0.0.0", hosts: ["box.lan"])
    #expect(refusal(named, "evil.example") == .forbidden)
    // No name server can answer for an address.
    for name in ["box.lan", "192.168.0.1:8000", "[fd00::1]:8000", "localhost"] {
      #expect(refusal(named, name) == nil)
    }
  }

  @Test func aRequestWithoutAHostIsNotLocal() throws {
    #expect(try !OriginRules().admit(request(nil)).isLocal)
  }

  @Test(arguments: [
    "Via", "X-Real-IP", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "x-forwarded-proto",
    "X-Forwarded", "X-Client-IP",
    "True-Client-IP", "CF-Connecting-IP", "X-Original-Forwarded-For",
  ])
  func aProxysCallersAreNotLocal(field: String) throws {
    #expect(try !OriginRules().admit(request("localhost:8000", [(field, "1.1 proxy")])).isLocal)
  }

  @Test func ownPagesAreOfTheSameSchemeHostAndPort() throws {
    let rules = OriginRules()
    for (host, origin) in [
      ("localhost:8000", "http://localhost:8000"), ("127.0.0.1", "http://127.0.0.1:80"),
      ("localhost:80", "http://localhost"),
      ("[::1]:8000", "http://[::1]:8000"),
    ] {
      #expect(try rules.admit(request(host, [("Origin", origin)])).isLocal)
      #expect(
        try rules.admit(request(host, [("Origin", origin), ("Sec-Fetch-Site", "same-origin")])).isLocal)
    }
    for origin in [
      "http://localhost:9", "http://localhost", "https://localhost:8000", "http://127.0.0.1:8000", "null", "",
      "http://evil.example",
      "http://localhost:8000.evil.example", "http://localhost:8000@evil.example", "http://localhost:8000/",
      "file://localhost:8000",
      "http://evil.example#localhost:8000",
    ] {
      #expect(refusal(rules, "localhost:8000", [("Origin", origin)]) == .forbidden, "\(origin)")
    }
    #expect(refusal(rules, nil, [("Origin", "http://localhost:8000")]) == .forbidden)
    #expect(refusal(OriginRules(usesTLS: true), "localhost:1", [("Origin", "https://localhost:1")]) == nil)
    #expect(
      refusal(OriginRules(usesTLS: true), "localhost:1", [("Origin", "http://localhost:1")]) == .forbidden)
  }

  @Test func behindAProxyThatEndsTLSTheBrowserSaysThatThePageIsTheServers() {
    let rules = OriginRules(hosts: ["box.lan"])
    let origin = ("Origin", "https://box.lan")
    #expect(refusal(rules, "box.lan", [origin, ("Sec-Fetch-Site", "same-origin")]) == nil)
    #expect(refusal(rules, "box.lan", [origin]) == .forbidden)
    #expect(
      refusal(rules, "box.lan", [("Origin", "https://evil.example"), ("Sec-Fetch-Site", "same-origin")])
        == .forbidden)
  }

  @Test(arguments: ["cross-site", "same-site", "something-new"])
  func pagesOfOtherSitesAreNotAnswered(site: String) throws {
    let rules = OriginRules()
    #expect(refusal(rules, "localhost:8000", [("Sec-Fetch-Site", site)]) == .forbidden)
    // Not even with the own origin beside it.
    #expect(
      refusal(rules, "localhost:8000", [("Sec-Fetch-Site", site), ("Origin", "http://localhost:8000")])
        == .forbidden)
    #expect(
      refusal(rules, "localhost:8000", [("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", site)])
        == .invalidRequest)
    // A link to the server's page may be followed; nothing else may be reached so, and no frame may hold it.
    let link = [("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")]
    #expect(try !rules.admit(request("localhost", link), isPage: true).isLocal)
    #expect(refusal(rules, "localhost", link) == .forbidden)
    let frame = [("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "iframe")]
    #expect(refusal(rules, "localhost", frame, isPage: true) == .forbidden)
  }

  @Test func whatAPersonTypesIsAnswered() throws {
    #expect(try OriginRules().admit(request("localhost", [("Sec-Fetch-Site", "none")])).isLocal)
  }

  @Test func aSettingNamesOtherOrigins() throws {
    let rules = OriginRules(origins: ["https://App.example"])
    let fields = [("Origin", "https://app.example"), ("Sec-Fetch-Site", "cross-site")]
    // They may ask and read, and count as no caller on this machine.
    #expect(
      try rules.admit(request("localhost", fields))
        == OriginRules.Admission(isLocal: false, readableBy: "https://app.example"))
    #expect(refusal(rules, "localhost", [("Origin", "https://other.example")]) == .forbidden)
    #expect(refusal(rules, "evil.example", fields) == .forbidden)
    #expect(refusal(OriginRules(origins: ["*"]), "localhost", [("Origin", "https://other.example")]) == nil)
  }
}
