import Tensors

extension UnaryFunction {
  /// The element type of the result for operands of `type`.
  func resultType(of type: ElementType) -> ElementType {
    switch self {
    case .logicalNot, .isNaN, .isInfinite: .bool
    default: type
    }
  }

  /// The function of one element of `type`; unknown where it is not exact (an exponential, say).
  func callAsFunction(_ operand: Scalar, _ type: ElementType) -> Scalar {
    switch operand {
    case .integer(let value): ofInteger(value, type)
    case .real(let value): ofReal(value, type)
    case .symbol:
      switch self {
      case .absolute, .floor, .ceiling, .round, .relu: operand
      default: .unknown
      }
    case .unknown: .unknown
    }
  }

  private func ofInteger(_ value: Int, _ type: ElementType) -> Scalar {
    switch self {
    case .absolute: .fitting(value == .min ? nil : abs(value), type)
    case .negate: .fitting(value == .min ? nil : -value, type)
    case .sign: .integer(value.signum())
    case .relu: .integer(max(value, 0))
    case .logicalNot: .integer(value == 0 ? 1 : 0)
    case .bitwiseNot: .fitting(~value, type)
    case .clip(let minimum, let maximum):
      // A bound that is no integer of 64 bits is none, or lies where only one answer is possible.
      .fitting(
        Swift.min(
          Swift.max(value, Int(exactly: minimum.rounded(.up)) ?? (minimum < 0 ? .min : .max)),
          Int(exactly: maximum.rounded(.down)) ?? (maximum < 0 ? .min : .max)), type)
    default: .unknown
    }
  }

  private func ofReal(_ value: Double, _ type: ElementType) -> Scalar {
    switch self {
    case .absolute: .real(abs(value))
    case .negate: .real(-value)
    case .floor: .real(value.rounded(.down))
    case .ceiling: .real(value.rounded(.up))
    case .round: .real(value.rounded(.toNearestOrEven))
    case .sign: .real(value > 0 ? 1 : value < 0 ? -1 : value)
    case .relu: .real(value < 0 ? 0 : value)
    case .squareRoot: .rounded(value.squareRoot(), type)
    case .reciprocal: .rounded(1 / value, type)
    case .clip(let minimum, let maximum): .rounded(Swift.min(Swift.max(value, minimum), maximum), type)
    case .isNaN: .integer(value.isNaN ? 1 : 0)
    case .isInfinite: .integer(value.isInfinite ? 1 : 0)
    default: .unknown
    }
  }
}
