import ModelStore

/// The notation of a knob's values.
struct ValueForm<Value: Sendable>: Sendable {
  var type: String
  var isFlag = false
  var isList = false
  /// `nil` for a text that is no value.
  var read: @Sendable (String) -> Value?
  var write: @Sendable (Value) -> String
}

extension ValueForm where Value == String {
  static func text(_ type: String) -> ValueForm {
    ValueForm(type: type, read: { $0.isEmpty ? nil : $0 }, write: { $0 })
  }

  /// One of a few words.
  static func choice(_ words: [String]) -> ValueForm {
    ValueForm(
      type: words.joined(separator: "|"), read: { words.contains($0.lowercased()) ? $0.lowercased() : nil },
      write: { $0 })
  }
}

extension ValueForm where Value == String? {
  /// A text that may be absent: the empty one, and `none`.
  static func optionalText(_ type: String) -> ValueForm {
    ValueForm(
      type: type + ", or none", read: { .some($0.isEmpty || $0.lowercased() == "none" ? nil : $0) },
      write: { $0 ?? "none" })
  }
}

extension ValueForm where Value == [String] {
  /// Names separated by commas, or `none`.
  static func list(_ type: String) -> ValueForm {
    ValueForm(
      type: type + ", or none", isList: true,
      read: { text in
        if text.lowercased() == "none" { return [] }
        return text.split(separator: ",").map { $0.filter { !$0.isWhitespace } }.filter { !$0.isEmpty }
      },
      write: { $0.isEmpty ? "none" : $0.joined(separator: ",") })
  }
}

extension ValueForm where Value == Int {
  static func count(_ range: ClosedRange<Int>) -> ValueForm {
    ValueForm(
      type: "number from \(range.lowerBound) to \(range.upperBound)",
      read: { Int($0).flatMap { range.contains($0) ? $0 : nil } }, write: { "\($0)" })
  }

  /// Bytes.
  static let size = ValueForm(
    type: "size such as 64MiB", read: { ByteSize(parsing: $0)?.bytes },
    write: { ByteSize(bytes: $0).description })
}

extension ValueForm where Value == UInt64 {
  static let number = ValueForm(type: "whole number", read: { UInt64($0) }, write: { "\($0)" })
}

extension ValueForm where Value == Bool {
  static let flag = ValueForm(
    type: "on|off", isFlag: true,
    read: { text in
      switch text.lowercased() {
      case "1", "true", "yes", "on": true
      case "0", "false", "no", "off": false
      default: nil
      }
    }, write: { $0 ? "on" : "off" })
}

extension ValueForm where Value == Duration {
  static let duration = ValueForm(
    type: "duration such as 500ms, 30s or 5m", read: { Duration(parsing: $0) }, write: { $0.written })
}

extension ValueForm where Value == Duration? {
  /// A duration, or `none`.
  static let optionalDuration = ValueForm(
    type: "duration such as 500ms, 30s or 5m, or none",
    read: { text in
      if text.lowercased() == "none" { return .some(nil) }
      return Duration(parsing: text).map { .some($0) }
    }, write: { $0?.written ?? "none" })
}

extension ValueForm where Value: RawRepresentable<String> & CaseIterable {
  /// One of the cases' words.
  static var words: ValueForm {
    ValueForm(
      type: Value.allCases.map(\.rawValue).joined(separator: "|"), read: { Value(rawValue: $0.lowercased()) },
      write: { $0.rawValue })
  }
}
