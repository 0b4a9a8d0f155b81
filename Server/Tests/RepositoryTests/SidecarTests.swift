import ModelGraph
import Repository
import Testing

@Suite(.timeLimit(.minutes(5))) struct SidecarTests {
  @Test func settingsAreRead() throws {
    let sidecar = try Sidecar(parsing: "shapes:\n  x: 1..8x3\nweights: int8\nkeep_alive: 1.5\npin: true\n")
    #expect(sidecar.shapes == ["x": "1..8x3"])
    #expect(sidecar.keepAlive == .milliseconds(1500))
    #expect(sidecar.pin == true && sidecar.weights == .int8)
    #expect(try Sidecar(parsing: "") == Sidecar())
  }

  @Test(arguments: [
    "- a", "shape: {}", "pin: maybe", "keep_alive: soon", "weights: int4", "weights: 8", "keep_alive: .nan",
    "shapes: {x: up}", "shapes: 3",
    "a: [", "pin: true\nx: &a [*a, *a]",
  ])
  func whatIsNotUnderstoodIsRefused(text: String) {
    #expect(throws: Sidecar.Problem.self) { try Sidecar(parsing: text) }
  }

  @Test(arguments: [
    ("-1", KeepAlive.forever), ("\"5m\"", .seconds(300)), ("5m", .seconds(300)), ("0", .zero),
    ("1h30m", .seconds(5400)),
  ])
  func aModelIsKeptForATimeOrForEver(text: String, duration: Duration) throws {
    #expect(try Sidecar(parsing: "keep_alive: \(text)").keepAlive == duration)
  }

  @Test(arguments: ["[", "{", "- ", "? ", "a: ", "a:\n ", "&a ", "!"])
  func whatIsNestedDeeplyIsRefused(part: String) {
    #expect(throws: Sidecar.Problem.self) { try Sidecar(parsing: String(repeating: part, count: 5000)) }
  }
}
