import ModelStore
import Testing

import Serving

private let second: UInt64 = 1_000_000_000

private func hash(_ key: String) -> ContentHash { ContentHash(of: Array(key.utf8)) }

private func key(
  _ name: String, models: [String] = ["*"], rate: APIKey.Rate? = nil, admin: Bool = false
) -> APIKey {
  APIKey(
    name: name, hash: hash(name), models: models.map(NamePattern.init), rate: rate, isAdministrator: admin)
}

/// Returns the outcome of a request: the tenant, or the kind of refusal.
private func outcome(
  _ state: inout AccessState, key: String?, loopback: Bool = false, _ action: AccessAction, at now: UInt64 = 0
) -> String {
  do throws(ServiceError) {
    return try state.authorize(key.map(hash), isLoopback: loopback, action, at: now)
  } catch { return error.kind.rawValue }
}

@Suite(.timeLimit(.minutes(5))) struct AccessTests {
  @Test func withoutKeysEverybodyInfersAndOnlyThisMachineAdministers() {
    var state = AccessState(rules: AccessRules(), keys: nil)
    for action in [AccessAction.look, .read, .infer(model: "m")] {
      #expect(outcome(&state, key: nil, action) == "")
      #expect(outcome(&state, key: "any", action) == "")
    }
    #expect(outcome(&state, key: nil, loopback: true, .administer) == "")
    #expect(outcome(&state, key: nil, .administer) == "forbidden")
  }

  @Test func aKeyIsKnownOrNotBeforeAnythingElseIs() {
    func refused(_ state: AccessState, _ key: String?, loopback: Bool = false, _ kind: AccessAction.Kind)
      -> String?
    {
      do throws(ServiceError) {
        try state.authenticate(key.map(hash), isLoopback: loopback, kind)
        return nil
      } catch { return error.kind.rawValue }
    }
    let open = AccessState(rules: AccessRules(), keys: nil)
    for kind in [AccessAction.Kind.look, .read, .infer, .administer] {
      #expect(refused(open, "any", kind) == nil)
    }
    let state = AccessState(rules: AccessRules(), keys: [key("camera", models: ["m"])])
    for caller in [nil, "wrong"] {
      #expect(refused(state, caller, .infer) == "unauthenticated")
      #expect(refused(state, caller, .look) == nil)
    }
    #expect(refused(state, nil, loopback: true, .administer) == nil)
    #expect(refused(state, nil, .administer) == "forbidden")
    // Its permissions depend on the target.
    for kind in [AccessAction.Kind.infer, .administer] { #expect(refused(state, "camera", kind) == nil) }
  }

  @Test func withKeysOnlyHealthIsSeenWithoutOne() {
    var state = AccessState(rules: AccessRules(), keys: [key("camera")])
    for caller in [nil, "camera", "Camera", ""] { #expect(outcome(&state, key: caller, .look) == "") }
    for caller in [nil, "Camera", ""] {
      #expect(outcome(&state, key: caller, .read) == "unauthenticated")
      #expect(outcome(&state, key: caller, loopback: true, .infer(model: "m")) == "unauthenticated")
    }
    #expect(outcome(&state, key: "camera", .read) == "camera")
    #expect(outcome(&state, key: "camera", .infer(model: "m")) == "camera")
    // No keys at all in the file: nobody gets in.
    state.replace(keys: [])
    #expect(outcome(&state, key: "camera", .infer(model: "m")) == "unauthenticated")
  }

  @Test func readingCanBeOpen() {
    var state = AccessState(rules: AccessRules(isReadingOpen: true), keys: [key("camera")])
    #expect(outcome(&state, key: nil, .read) == "")
    #expect(outcome(&state, key: nil, .infer(model: "m")) == "unauthenticated")
  }

  @Test(arguments: AccessRules.Administrators.allCases)
  func whoMayAdminister(administrators: AccessRules.Administrators) {
    var state = AccessState(
      rules: AccessRules(administrators: administrators), keys: [key("camera"), key("operator", admin: true)])
    // A key that may does from anywhere.
    #expect(outcome(&state, key: "operator", .administer) == "operator")
    #expect(outcome(&state, key: "wrong", loopback: true, .administer) == "unauthenticated")
    switch administrators {
    case .loopback:
      #expect(outcome(&state, key: nil, loopback: true, .administer) == "")
      #expect(outcome(&state, key: nil, .administer) == "forbidden")
      #expect(outcome(&state, key: "camera", loopback: true, .administer) == "forbidden")
    case .keys:
      #expect(outcome(&state, key: nil, loopback: true, .administer) == "unauthenticated")
      #expect(outcome(&state, key: "camera", loopback: true, .administer) == "forbidden")
    case .open:
      #expect(outcome(&state, key: nil, .administer) == "")
      #expect(outcome(&state, key: "camera", .administer) == "camera")
    }
  }

  @Test func aKeyUsesItsModelsAlone() {
    var state = AccessState(rules: AccessRules(), keys: [key("camera", models: ["detector", "ocr-*"])])
    #expect(outcome(&state, key: "camera", .infer(model: "detector")) == "camera")
    #expect(outcome(&state, key: "camera", .infer(model: "ocr-latin")) == "camera")
    #expect(outcome(&state, key: "camera", .infer(model: "detector2")) == "forbidden")
    #expect(outcome(&state, key: "camera", .infer(model: "")) == "forbidden")
  }

  @Test func aRateRefusesWhatComesTooOftenAndSaysWhenToComeAgain() {
    var state = AccessState(
      rules: AccessRules(), keys: [key("camera", rate: APIKey.Rate(perSecond: 2, burst: 3)), key("other")])
    let infer = AccessAction.infer(model: "m")
    #expect(
      (0..<4).map { _ in outcome(&state, key: "camera", infer) } == [
        "camera", "camera", "camera", "too_many_requests",
      ])
    #expect(outcome(&state, key: "other", infer) == "other")
    let refusal = #expect(throws: ServiceError.self) {
      try state.authorize(hash("camera"), isLoopback: false, infer, at: second / 4)
    }
    #expect(refusal?.kind == .tooManyRequests)
    #expect(refusal?.retryAfter == .milliseconds(250))
    // Looking takes nothing of it.
    #expect(outcome(&state, key: "camera", .read, at: second / 4) == "camera")
    #expect(outcome(&state, key: "camera", infer, at: second / 2) == "camera")
    #expect(outcome(&state, key: "camera", infer, at: second / 2) == "too_many_requests")
    // The same key in a file that was read again has used what it has used.
    state.replace(keys: [key("camera", models: ["m"], rate: APIKey.Rate(perSecond: 2, burst: 3))])
    #expect(outcome(&state, key: "camera", infer, at: second / 2) == "too_many_requests")
    // A clock that is ahead gives no more than the burst.
    #expect(
      (0..<4).map { _ in outcome(&state, key: "camera", infer, at: .max) }
        == ["camera", "camera", "camera", "too_many_requests"])
  }

  @Test("The wait for a rate that is next to nothing is a number all the same")
  func smallestRate() throws {
    var state = AccessState(rules: AccessRules(), keys: [key("camera", rate: APIKey.Rate(perSecond: 1e-300))])
    _ = try state.authorize(hash("camera"), isLoopback: false, .infer(model: "m"), at: 0)
    let error = #expect(throws: ServiceError.self) {
      try state.authorize(hash("camera"), isLoopback: false, .infer(model: "m"), at: 1)
    }
    #expect(error?.kind == .tooManyRequests)
  }

  @Test(arguments: [
    ("*", "", true), ("*", "x", true), ("a*b*c", "aXbYbZc", true), ("a*b*c", "aXbY", false), ("?", "x", true),
    ("?", "", false), ("a?c", "abc", true), ("", "", true), ("", "a", false), ("**a", "ba", true),
    ("A", "a", false), ("a.c", "abc", false),
  ])
  func patternsOfNames(pattern: String, name: String, matches: Bool) {
    #expect(NamePattern(pattern).matches(name) == matches)
  }

  @Test func aPatternTakesNoLongForANameThatAlmostMatches() {
    #expect(
      !NamePattern(String(repeating: "a*", count: 200) + "b").matches(String(repeating: "a", count: 5000)))
  }

  @Test func keysAreReadFromYAML() throws {
    // echo -n secret | sha256sum
    let digest = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
    let file = try APIKeyFile(
      """
      keys:
        - name: camera
          sha256: \(digest)
          models: [detector, 'ocr-*']
          rate: 0.5
        - {name: operator, sha256: \(String(repeating: "0", count: 64)), admin: true}
      """)
    #expect(file.keys.map(\.name) == ["camera", "operator"])
    #expect(
      file.keys[0].matches(APIKey.hash(of: "secret")) && !file.keys[1].matches(APIKey.hash(of: "secret")))
    #expect(file.keys[0].rate == APIKey.Rate(perSecond: 0.5, burst: 1) && !file.keys[0].isAdministrator)
    #expect(file.keys[1].isAdministrator && file.keys[1].rate == nil && file.keys[1].allows(model: "any"))
  }

  @Test(arguments: [
    "", "keys: 1", "- name: a", "keys:\n  - name: a", "keys:\n  - {name: a, sha256: abc}", "keys: [",
    "keys:\n  - {name: a, sha256: \(String(repeating: "0", count: 64)), rate: 0}",
    "keys:\n  - {name: a, sha256: \(String(repeating: "0", count: 64)), rate: .nan}",
    "keys:\n  - {name: a, sha256: \(String(repeating: "0", count: 64))}\n  - {name: a, sha256: \(String(repeating: "1", count: 64))}",
  ])
  func aFileThatIsNoneIsRefused(text: String) {
    #expect(throws: APIKeyFile.Problem.self) { try APIKeyFile(text) }
  }

  @Test func keysThatAreMadeAreLongAndNeverTheSame() {
    let keys = (0..<100).map { _ in APIKey.make() }
    #expect(Set(keys.map(\.key)).count == 100)
    for (key, hash) in keys { #expect(key.count == 52 && hash == APIKey.hash(of: key)) }
  }
}
