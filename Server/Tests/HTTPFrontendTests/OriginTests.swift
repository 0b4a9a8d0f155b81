import HTTPFrontend
import Testing

/// Pages of which hosts may administer a server on their own machine.
@Test(
  .timeLimit(.minutes(5)),
  arguments: [
    ("http://localhost:8000", true), ("http://127.0.0.1:8000", true), ("https://[::1]:8000", true),
    ("http://localhost", true), ("null", false), ("http://evil.example", false),
    ("http://127.0.0.1.evil.example", false), ("http://localhost.evil.example:8000", false), ("", false),
    ("file://localhost", false), ("http://127.0.0.1@evil.example", false),
  ])
func onlyThisMachinesPagesAreItsOwn(origin: String, isOwn: Bool) {
  #expect(isOwnOrigin(origin) == isOwn)
}
