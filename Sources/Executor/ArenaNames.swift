import Device

/// Names the arenas of running programs, so that no two programs use the same one at a time: the pure part.
///
/// A name states the arena's size and its number among arenas of that size. A program that ends returns its
/// name, so the next program with an arena of that size finds it resident, whichever program it was made for.
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
