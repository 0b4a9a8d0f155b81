import Device

/// Names the arenas of the programs that run, so that no two use one at the same time: the pure part.
///
/// A name says how large the arena is and which of that size it is. What ends gives its name back, so the next program
/// with an arena of that size finds it resident, whichever program it was made for.
package struct ArenaNames: Sendable {
  private var used: Set<UInt64> = []

  package init() {}

  /// A program starts.
  /// - Parameter byteCounts: the page-rounded bytes of its arenas.
  /// - Returns: their names.
  package mutating func begin(_ byteCounts: [Int]) -> [UInt64] {
    byteCounts.map { byteCount in
      var name = UInt64(max(byteCount, 0) / pageSize) << 20
      while !used.insert(name).inserted { name += 1 }
      return name
    }
  }

  /// The program with these arenas has ended.
  package mutating func end(_ names: [UInt64]) { used.subtract(names) }
}
