/// A model's name that is safe as a folder's name, in a URL and in a log.
struct ModelName: Hashable {
  let text: String

  /// Bytes of UTF-8: file systems take 255.
  static let maximumBytes = 128

  /// - Throws: ``StoreError`` of kind `invalidName`.
  init(checking text: String) throws {
    func invalid(_ reason: String) -> StoreError { StoreError(.invalidName(name: text, reason: reason)) }
    guard !text.isEmpty else { throw invalid("it is empty") }
    guard text.utf8.count <= ModelName.maximumBytes else {
      throw invalid("it is longer than \(ModelName.maximumBytes) bytes")
    }
    guard !text.utf8.contains(UInt8(ascii: "/")) else { throw invalid("'/' is not allowed in it") }
    guard text.utf8.first != UInt8(ascii: ".") else { throw invalid("it starts with '.'") }
    let isPrintable = text.unicodeScalars.allSatisfy { scalar in
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse: false
      default: true
      }
    }
    guard isPrintable else { throw invalid("characters that cannot be seen are not allowed in it") }
    self.text = text
  }
}
