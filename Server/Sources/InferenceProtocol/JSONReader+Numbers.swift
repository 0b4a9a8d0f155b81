#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A number as JSON gives it: whole ones are exact as far as 64 bits go.
public enum JSONNumber: Sendable, Hashable {
  case int(Int64)
  /// Above the largest `Int64`.
  case uint(UInt64)
  case double(Double)

  public var double: Double {
    switch self {
    case .int(let value): Double(value)
    case .uint(let value): Double(value)
    case .double(let value): value
    }
  }
}

extension JSONReader {
  /// The powers of ten that a `Double` holds exactly.
  private static let powers: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
  ]

  /// Reads a number. Fractions are rounded to the nearest `Double`; those too large become infinite.
  public mutating func readNumber() throws(ProtocolError) -> JSONNumber {
    skipSpace()
    let start = position
    let isNegative = take(UInt8(ascii: "-"))
    if let word = readWord(isNegative) { return word }
    var mantissa: UInt64 = 0
    var isExact = true
    func add(_ digit: UInt8) {
      let (product, high) = mantissa.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
      if high || carry || !isExact { isExact = false } else { mantissa = sum }
    }
    let whole = try readDigits(add)
    guard whole == 1 || bytes[position - whole] != UInt8(ascii: "0") else {
      throw error("a number may not begin with zeros")
    }
    var isWhole = true
    var exponent = 0
    if take(UInt8(ascii: ".")) {
      isWhole = false
      exponent = -(try readDigits(add))
    }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      isWhole = false
      let isSmall = take(UInt8(ascii: "-"))
      if !isSmall { _ = take(UInt8(ascii: "+")) }
      var power = 0
      _ = try readDigits { power = min(power * 10 + Int($0), 1_000_000) }
      exponent += isSmall ? -power : power
    }
    if isWhole, isExact {
      if !isNegative { return mantissa <= UInt64(Int64.max) ? .int(Int64(mantissa)) : .uint(mantissa) }
      if mantissa <= UInt64(Int64.max) { return mantissa == 0 ? .double(-0.0) : .int(-Int64(mantissa)) }
      if mantissa == UInt64(Int64.max) + 1 { return .int(.min) }
    }
    if isExact, mantissa <= 1 << 53, abs(exponent) <= 22 {
      // Both are exact, so that one operation rounds once (Clinger's fast path).
      let power = JSONReader.powers[abs(exponent)]
      let value = exponent < 0 ? Double(mantissa) / power : Double(mantissa) * power
      return .double(isNegative ? -value : value)
    }
    return .double(convert(start..<position))
  }

  /// Reads digits, one at least, and returns how many.
  @inline(__always)
  private mutating func readDigits(_ body: (UInt8) -> Void) throws(ProtocolError) -> Int {
    let start = position
    while position < bytes.count {
      let digit = bytes[position] &- UInt8(ascii: "0")
      guard digit <= 9 else { break }
      body(digit)
      position &+= 1
    }
    guard position > start else { throw error("a digit was expected") }
    return position - start
  }

  private mutating func readWord(_ isNegative: Bool) -> JSONNumber? {
    switch current {
    case UInt8(ascii: "N"):
      return take(word: "NaN") ? .double(.nan) : nil
    case UInt8(ascii: "I"):
      guard take(word: "Infinity") || take(word: "Inf") else { return nil }
      return .double(isNegative ? -.infinity : .infinity)
    default: return nil
    }
  }

  /// The number whose spelling lies in `range`, by the C library, for those that need more than one rounding.
  private func convert(_ range: Range<Int>) -> Double {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: range.count + 1) { text in
      for (index, byte) in bytes[range].enumerated() { text[index] = CChar(bitPattern: byte) }
      text[range.count] = 0
      return text.baseAddress.map { strtod($0, nil) } ?? .nan
    }
  }
}
