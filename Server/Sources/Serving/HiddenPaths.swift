import Foundation

/// Keeps from clients where files lie on this machine: of a path below one of some folders, its last part is left.
package struct HiddenPaths: Sendable {
  /// Longest first, each as it may stand in a message.
  private let folders: [String]

  /// - Parameter folders: absolute or relative, as the parts of the server were given them.
  package init(_ folders: [String]) {
    let all = folders.flatMap { [$0, URL(fileURLWithPath: $0).standardizedFileURL.path] }
      .map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
    // One as short as "/" or "." would hide what is no path.
    self.folders = Set(all.filter { $0.utf8.count > 2 }).sorted { ($0.count, $0) > ($1.count, $1) }
  }

  /// `text` without the paths.
  package func removed(from text: String) -> String {
    guard folders.contains(where: { text.contains($0) }) else { return text }
    var result = ""
    var rest = Substring(text)
    while !rest.isEmpty {
      if result.last.map(HiddenPaths.mayPrecede) ?? true, let path = path(at: rest, after: result.last) {
        result += path.split(separator: "/").last ?? ""
        rest = rest.dropFirst(path.count)
      } else {
        result.append(rest.removeFirst())
      }
    }
    return result
  }

  private func path(at text: Substring, after last: Character?) -> Substring? {
    guard let folder = folders.first(where: { text.hasPrefix($0) }) else { return nil }
    let isQuoted = last == "'" || last == "\""
    let end = text.dropFirst(folder.count).prefix { character in
      isQuoted ? character != last : !(character.isWhitespace || ":;,)'\"".contains(character))
    }
    // Another folder whose name begins with this one's.
    guard end.isEmpty || end.hasPrefix("/") else { return nil }
    return text.prefix(folder.count + end.count)
  }

  private static func mayPrecede(_ character: Character) -> Bool {
    character.isWhitespace || "'\"(:=,".contains(character)
  }
}
