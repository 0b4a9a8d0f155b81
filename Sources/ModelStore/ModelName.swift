import Foundation

/// A model's name that is safe as a folder's name, in a URL and in a log, and equal to another only byte for byte.
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
    guard text.isComposed else {
      throw invalid("it is not in Unicode's composed form (NFC); rename it to '\(text.composed)', composed")
    }
    self.text = text
  }
}

extension ModelStore {
  /// Checks that a model may have this name: printable, composed (NFC), of at most 128 bytes, without `/` and without a
  /// leading dot.
  /// - Throws: ``StoreError`` of kind `invalidName`.
  public static func check(name: String) throws { _ = try ModelName(checking: name) }
}

extension String {
  /// True when the text is in Unicode's composed form (NFC). Of the texts that Swift and Unicode hold to be equal, exactly
  /// one is: names that are all composed are equal only when their bytes are.
  public var isComposed: Bool {
    utf8.allSatisfy { $0 < 0x80 } || unicodeScalars.elementsEqual(composed.unicodeScalars)
  }

  /// The composed form (NFC).
  var composed: String { precomposedStringWithCanonicalMapping }
}
