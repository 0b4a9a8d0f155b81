import Foundation
import Tensors

extension BinaryFunction {
  /// The function of two elements; `type` is the operands' (of `power`: the first's).
  func callAsFunction(_ a: Scalar, _ b: Scalar, _ type: ElementType) -> Scalar {
    switch (a, b) {
    case (.integer(let a), .integer(let b)): ofIntegers(a, b, type)
    case (.symbol, _), (_, .symbol): ofSymbols(a, b, type)
    default:
      if let x = a.number, let y = b.number { ofReals(x, y, type) } else { ofUnknown(a, b) }
    }
  }

  private func ofIntegers(_ a: Int, _ b: Int, _ type: ElementType) -> Scalar {
    func checked(_ result: (partialValue: Int, overflow: Bool)) -> Scalar {
      .fitting(result.overflow ? nil : result.partialValue, type)
    }
    switch self {
    case .add: return checked(a.addingReportingOverflow(b))
    case .subtract: return checked(a.subtractingReportingOverflow(b))
    case .multiply: return checked(a.multipliedReportingOverflow(by: b))
    case .divide: return checked(a.dividedReportingOverflow(by: b))
    case .remainder: return checked(a.remainderReportingOverflow(dividingBy: b))
    case .modulo:
      let result = a.remainderReportingOverflow(dividingBy: b)
      guard !result.overflow else { return .unknown }
      let remainder = result.partialValue
      return .integer(remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : remainder)
    case .power:
      guard 0...63 ~= b else { return .unknown }
      var power = 1
      for _ in 0..<b {
        let (next, overflow) = power.multipliedReportingOverflow(by: a)
        if overflow { return .unknown }
        power = next
      }
      return .fitting(power, type)
    case .maximum: return .integer(Swift.max(a, b))
    case .minimum: return .integer(Swift.min(a, b))
    case .parametricRelu: return a < 0 ? checked(a.multipliedReportingOverflow(by: b)) : .integer(a)
    case .bitwiseAnd: return .integer(a & b)
    case .bitwiseOr: return .integer(a | b)
    case .bitwiseXor: return .integer(a ^ b)
    case .shiftLeft:
      guard 0..<63 ~= b, a >= 0, a <= Int.max >> b else { return .unknown }
      return .fitting(a << b, type)
    case .shiftRight: return 0...63 ~= b ? .integer(a >> b) : .unknown
    default: return predicate(a, b)
    }
  }

  private func ofReals(_ a: Double, _ b: Double, _ type: ElementType) -> Scalar {
    // Rounding a 64-bit result to 32 bits or fewer gives what 32-bit arithmetic gives, for all but the power.
    switch self {
    case .add: .rounded(a + b, type)
    case .subtract: .rounded(a - b, type)
    case .multiply: .rounded(a * b, type)
    case .divide: .rounded(a / b, type)
    case .power: b == 2 ? .rounded(a * a, type) : .unknown
    case .maximum: .rounded(a.isNaN || b.isNaN ? .nan : Swift.max(a, b), type)
    case .minimum: .rounded(a.isNaN || b.isNaN ? .nan : Swift.min(a, b), type)
    case .remainder: .rounded(fmod(a, b), type)
    case .parametricRelu: .rounded(a < 0 ? a * b : a, type)
    case .modulo, .bitwiseAnd, .bitwiseOr, .bitwiseXor, .shiftLeft, .shiftRight: .unknown
    default: predicate(a, b)
    }
  }

  private func predicate<Number: Comparable & Numeric>(_ a: Number, _ b: Number) -> Scalar {
    let holds: Bool? =
      switch self {
      case .equal: a == b
      case .less: a < b
      case .lessOrEqual: a <= b
      case .greater: a > b
      case .greaterOrEqual: a >= b
      case .and: a != 0 && b != 0
      case .or: a != 0 || b != 0
      case .exclusiveOr: (a != 0) != (b != 0)
      default: nil
      }
    return holds.map { .integer($0 ? 1 : 0) } ?? .unknown
  }

  /// A symbol is the same number wherever it stands, and never negative.
  private func ofSymbols(_ a: Scalar, _ b: Scalar, _ type: ElementType) -> Scalar {
    let zero = type.isFloatingPoint ? Scalar.real(0) : .integer(0)
    let one = type.isFloatingPoint ? 1.0 : 1
    switch self {
    case .add: return a.number == 0 ? b : b.number == 0 ? a : .unknown
    case .subtract: return a == b ? zero : b.number == 0 ? a : .unknown
    case .multiply:
      if a.number == 0 || b.number == 0 { return zero }
      return a.number == one ? b : b.number == one ? a : .unknown
    case .divide: return b.number == one ? a : .unknown
    case .maximum where a == b, .minimum where a == b: return a
    case .maximum:
      if let x = a.number, x <= 0 { return b }
      if let y = b.number, y <= 0 { return a }
      return .unknown
    case .equal, .lessOrEqual, .greaterOrEqual, .less, .greater:
      if a == b { return .integer(self == .less || self == .greater ? 0 : 1) }
      // If one side is negative, the other one may as well be zero.
      if let x = a.number, x < 0 { return predicate(x, 0) }
      if let y = b.number, y < 0 { return predicate(0, y) }
      return .unknown
    default: return .unknown
    }
  }

  private func ofUnknown(_ a: Scalar, _ b: Scalar) -> Scalar {
    switch self {
    case .and: a.truth == false || b.truth == false ? .integer(0) : .unknown
    case .or: a.truth == true || b.truth == true ? .integer(1) : .unknown
    default: .unknown
    }
  }
}
