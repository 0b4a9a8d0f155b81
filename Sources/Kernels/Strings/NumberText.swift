import Device
import Foundation

/// Numbers as texts, as onnxruntime writes and reads them.
enum NumberText {
  /// Eight significant digits, without zeros at the end.
  static func text(_ number: Double) -> String {
    if number.isNaN { return "NaN" }
    if number.isInfinite { return number < 0 ? "-INF" : "INF" }
    return String(format: "%.8g", number)
  }

  /// A number in plain or scientific notation, `INF` or `NaN`, in capital letters or not.
  static func real(_ text: UnsafeBufferPointer<UInt8>) throws -> Double {
    let trimmed = trimmed(text)
    guard let number = Double(trimmed), number.isFinite || isNamed(trimmed) else {
      throw fault(text, "a number")
    }
    return number
  }

  /// An integer; a fraction is cut off.
  static func signed(_ text: UnsafeBufferPointer<UInt8>) throws -> Int64 {
    let trimmed = trimmed(text)
    if let number = Int64(trimmed) { return number }
    guard let number = Double(trimmed), let integer = Int64(exactly: number.rounded(.towardZero)) else {
      throw fault(text, "a 64-bit integer")
    }
    return integer
  }

  /// An integer without a sign; a negative one wraps around.
  static func unsigned(_ text: UnsafeBufferPointer<UInt8>) throws -> UInt64 {
    if let number = UInt64(trimmed(text)) { return number }
    if let number = Double(trimmed(text)), let integer = UInt64(exactly: number.rounded(.towardZero)) {
      return integer
    }
    return UInt64(bitPattern: try signed(text))
  }

  private static func trimmed(_ text: UnsafeBufferPointer<UInt8>) -> Substring {
    // No number is longer, whatever its notation.
    var text = String(decoding: text.prefix(4096), as: UTF8.self)[...]
    while text.first?.isWhitespace ?? false { text.removeFirst() }
    while text.last?.isWhitespace ?? false { text.removeLast() }
    return text
  }

  /// True for infinities that are written as such, and not by too many digits.
  private static func isNamed(_ text: Substring) -> Bool { !text.contains { $0.isNumber } }

  private static func fault(_ text: UnsafeBufferPointer<UInt8>, _ kind: String) -> DeviceError {
    DeviceError(.invalidData, "the text '\(String(decoding: text.prefix(40), as: UTF8.self))' is not \(kind)")
  }
}
