import Foundation
import ModelGraph
import Tensors
import Testing

/// Numbers that no exporter writes, in attributes, sizes and elements: an error or a type, never a trap.
struct HostileNumberTests {
  private static let numbers = [
    Int.max, Int.min, Int.max - 1, Int.min + 1, 1 << 62, -(1 << 62), 1 << 40, Int(Int32.max), Int(Int32.min),
    0, 1, -1,
    2, -2, 3, 17, 1024, 1025,
  ]

  /// One of the fixtures' files as JSON, some of whose numbers are others.
  private static func altered(_ value: Any, _ random: inout SplitMix, key: String = "") -> Any {
    switch value {
    case let list as [Any]:
      var list = list.map { altered($0, &random, key: key) }
      if key != "values", !list.isEmpty, random.next() % 16 == 0 { list.removeLast() }
      return list
    case let dictionary as [String: Any]:
      var result: [String: Any] = [:]
      // In a fixed order, so that the same seed gives the same numbers.
      for name in dictionary.keys.sorted() {
        guard let inner = dictionary[name] else { continue }
        // If elements are given, sizes have to match them; the number of results is the test's own.
        let isFixed = name == "results" || name == "dims" && dictionary["values"] != nil
        result[name] = isFixed ? inner : altered(inner, &random, key: name)
      }
      return result
    case is Bool: return value
    case is Int:
      guard random.next() % 3 == 0 else { return value }
      return numbers[Int(random.next() % UInt64(numbers.count))]
    default: return value
    }
  }

  @Test func hostileNumbersNeverTrap() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fixtures/shapes.json")
    let fixtures = try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [[String: Any]])
    var random = SplitMix(state: 2026)
    var tried = 0
    var refused = 0
    for _ in 0..<6 {
      for fixture in fixtures {
        let json = try JSONSerialization.data(withJSONObject: Self.altered(fixture, &random))
        // Sizes that no shape can have are refused by the fixture itself.
        guard let altered = try? JSONDecoder().decode(ShapeFixture.self, from: json),
          let graph = try? altered.graph(), let known = try? altered.known()
        else { continue }
        tried += 1
        do { _ = try graph.inferTypes(known: known) } catch {
          refused += 1
          #expect(error.description.count < 4_000)
        }
        _ = graph.textDescription
      }
    }
    #expect(tried > 1_500)
    #expect(refused > 300 && refused < tried)
  }
}
