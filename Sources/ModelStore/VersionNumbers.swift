#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Numbers of versions. The store gives none out twice: whoever remembers one must never get another model for it. The
/// versions that are there tell what the next one is, unless the newest was removed; that leaves an empty file `N.removed`.
extension ModelStore {
  /// The numbers that a version may have.
  public static let versionNumbers = 1..<1 << 40

  private static let removedSuffix = ".removed"

  /// A model's versions, ascending.
  func versions(of name: ModelName) throws -> [Int] {
    try models(name.text).names().compactMap(ModelStore.number).sorted()
  }

  /// The number of the next version of a model.
  func nextVersion(of name: ModelName) throws -> Int {
    let removed = try removedNumbers(of: name).map { $0.number }
    return (try versions(of: name) + removed).reduce(0, max) + 1
  }

  /// Sees to it that the number of a version that will be removed is not given out again.
  func retire(_ version: Int, of name: ModelName) throws {
    let home = models(name.text)
    let known = try removedNumbers(of: name)
    guard !known.contains(where: { $0.number >= version }) else { return }
    _ = try OpenFile(home.path + "/\(version)\(ModelStore.removedSuffix)", O_WRONLY | O_CREAT, mode: 0o400)
    try home.sync()
    for old in known { unlink(home.path + "/" + old.file) }
  }

  private func removedNumbers(of name: ModelName) throws -> [(number: Int, file: String)] {
    try models(name.text).names().compactMap { file in
      guard file.hasSuffix(ModelStore.removedSuffix) else { return nil }
      return ModelStore.number(String(file.dropLast(ModelStore.removedSuffix.count))).map { ($0, file) }
    }
  }

  /// The number that a file's name is, as the store writes it; `nil` for what something else has put there.
  private static func number(_ text: String) -> Int? {
    Int(text).flatMap { versionNumbers.contains($0) && "\($0)" == text ? $0 : nil }
  }
}
