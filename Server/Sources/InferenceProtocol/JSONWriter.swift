/// Writes JSON into bytes. The caller keeps the order of braces and commas.
public struct JSONWriter: Sendable {
  public private(set) var bytes: [UInt8] = []

  public init() {}

  /// - Parameter capacity: how many bytes there is room for from the start.
  public init(capacity: Int) { bytes.reserveCapacity(max(capacity, 0)) }

  /// Writes something that is JSON already.
  public mutating func raw(_ text: StaticString) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  public mutating func raw(_ byte: UInt8) { bytes.append(byte) }

  /// Writes a string in quotes.
  public mutating func string(_ text: String) {
    var text = text
    text.withUTF8 { string($0) }
  }

  /// Writes the bytes of a string's UTF-8 in quotes. Those that are none are written as they are.
  public mutating func string(_ text: some Collection<UInt8>) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(contentsOf: [UInt8(ascii: "\\"), byte])
      case 0x0a: raw("\\n")
      case 0x0d: raw("\\r")
      case 0x09: raw("\\t")
      case 0..<0x20:
        raw("\\u00")
        let digits = Array("0123456789abcdef".utf8)
        bytes.append(digits[Int(byte >> 4)])
        bytes.append(digits[Int(byte & 15)])
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// Writes a whole number.
  public mutating func number(_ value: some FixedWidthInteger) {
    if value < 0 { bytes.append(UInt8(ascii: "-")) }
    var rest = UInt64(truncatingIfNeeded: value.magnitude)
    let start = bytes.count
    repeat {
      bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
      rest /= 10
    } while rest > 0
    bytes[start...].reverse()
  }

  /// Writes the shortest spelling that reads as the same number; `NaN` and `Infinity` as Triton does.
  public mutating func number<Value: BinaryFloatingPoint & LosslessStringConvertible>(_ value: Value) {
    if value.isFinite {
      var text = value.description
      text.withUTF8 { bytes.append(contentsOf: $0) }
    } else if value.isNaN {
      raw("NaN")
    } else {
      raw(value < 0 ? "-Infinity" : "Infinity")
    }
  }

  public mutating func bool(_ value: Bool) { raw(value ? "true" : "false") }

  public mutating func parameter(_ value: Parameter) {
    switch value {
    case .bool(let value): bool(value)
    case .int(let value): number(value)
    case .double(let value): number(value)
    case .string(let value): string(value)
    }
  }

  /// Writes parameters as an object, by name.
  public mutating func parameters(_ parameters: [String: Parameter]) {
    raw("{")
    for (index, (name, value)) in parameters.sorted(by: { $0.key < $1.key }).enumerated() {
      if index > 0 { raw(",") }
      string(name)
      raw(":")
      parameter(value)
    }
    raw("}")
  }
}
