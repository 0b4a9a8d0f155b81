/// A pattern of models' names: `*` stands for any letters, `?` for one, everything else for itself.
public struct NamePattern: Sendable, Hashable {
  private let pattern: [UInt8]

  public init(_ text: String) { pattern = Array(text.utf8) }

  /// Takes no longer than the product of both lengths.
  package func matches(_ name: String) -> Bool {
    let name = Array(name.utf8)
    var position = 0
    var index = 0
    // The last star, and how much of the name it stands for now.
    var star: (pattern: Int, name: Int)?
    while position < name.count {
      if index < pattern.count, pattern[index] == UInt8(ascii: "*") {
        star = (index, position)
        index += 1
      } else if index < pattern.count,
        pattern[index] == UInt8(ascii: "?") || pattern[index] == name[position]
      {
        index += 1
        position += 1
      } else if let last = star {
        star = (last.pattern, last.name + 1)
        index = last.pattern + 1
        position = last.name + 1
      } else {
        return false
      }
    }
    return pattern[index...].allSatisfy { $0 == UInt8(ascii: "*") }
  }
}
