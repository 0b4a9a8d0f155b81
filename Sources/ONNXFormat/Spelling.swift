/// The spellings of names seen so far. Swift compares names as Unicode does; ONNX compares their bytes.
struct Spelling {
  private var spelled: [String: String] = [:]

  /// Returns whether no name before is equal to `name` to Swift and differs from it in its bytes.
  mutating func agrees(_ name: String) -> Bool {
    if name.utf8.allSatisfy({ $0 < 0x80 }) { return true }
    guard name.utf8.elementsEqual((spelled[name] ?? name).utf8) else { return false }
    spelled[name] = name
    return true
  }
}
