import Foundation

/// NumPy's types of texts of one length, which zeros fill up: `<U5` of five scalars, `|S5` of five bytes.
package struct NPYTexts {
  private var areScalars: Bool
  /// The scalars or bytes of each text.
  private var width: Int

  /// The type of this description; `nil` if it is none of texts.
  package init?(_ description: String) {
    guard let width = Int(description.dropFirst(2)), width > 0 else { return nil }
    switch description.prefix(2) {
    case "<U": areScalars = true
    case "|S": areScalars = false
    default: return nil
    }
    self.width = width
  }

  /// The type that has room for all of these texts.
  package init(_ texts: [[UInt8]]) {
    let scalars = texts.map { String(validating: $0, as: UTF8.self)?.unicodeScalars.count }
    areScalars = !scalars.contains(nil)
    width = max(1, areScalars ? scalars.compactMap { $0 }.max() ?? 0 : texts.map(\.count).max() ?? 0)
  }

  package var description: String { (areScalars ? "<U" : "|S") + "\(width)" }

  /// The texts of a file's data; `nil` if it is cut short or has what is no scalar.
  package func texts(_ data: ArraySlice<UInt8>, count: Int) -> [[UInt8]]? {
    let (size, overflow) = width.multipliedReportingOverflow(by: areScalars ? 4 : 1)
    guard !overflow, data.count / size >= count else { return nil }
    var texts: [[UInt8]] = []
    for index in 0..<count {
      let bytes = data.dropFirst(index * size).prefix(size)
      guard let text = areScalars ? encoded(bytes) : Array(bytes) else { return nil }
      texts.append(Array(text.prefix((text.lastIndex { $0 != 0 } ?? -1) + 1)))
    }
    return texts
  }

  private func encoded(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
    var text = String.UnicodeScalarView()
    for place in stride(from: bytes.startIndex, to: bytes.endIndex, by: 4) {
      let value = bytes[place..<place + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      guard let scalar = Unicode.Scalar(value) else { return nil }
      text.append(scalar)
    }
    return Array(String(text).utf8)
  }

  /// The data of a file.
  package func data(_ texts: [[UInt8]]) -> Data {
    var data = Data()
    for text in texts {
      var units =
        areScalars
        ? String(decoding: text, as: UTF8.self).unicodeScalars.map(\.value) : text.map { UInt32($0) }
      units += Array(repeating: 0, count: max(width - units.count, 0))
      for unit in units {
        for shift in stride(from: UInt32(0), to: areScalars ? 32 : 8, by: 8) {
          data.append(UInt8(truncatingIfNeeded: unit >> shift))
        }
      }
    }
    return data
  }
}
