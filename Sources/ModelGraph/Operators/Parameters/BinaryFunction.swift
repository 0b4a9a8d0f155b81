/// A function of two elements.
public enum BinaryFunction: String, Sendable, Hashable, Codable, Packable {
  case add, subtract, multiply, divide, power, maximum, minimum
  /// ONNX `Mod` with `fmod` = 0 (sign of the divisor) and 1 (sign of the dividend).
  case modulo, remainder
  /// x where x ≥ 0, else slope · x.
  case parametricRelu
  case equal, less, lessOrEqual, greater, greaterOrEqual, and, or, exclusiveOr
  case bitwiseAnd, bitwiseOr, bitwiseXor, shiftLeft, shiftRight

  /// True when the result is `bool` whatever the operands are.
  public var isPredicate: Bool {
    switch self {
    case .equal, .less, .lessOrEqual, .greater, .greaterOrEqual, .and, .or, .exclusiveOr: true
    default: false
    }
  }

  /// True when the result jumps where an operand changes a little.
  var isStep: Bool { self == .modulo || self == .remainder }
}
