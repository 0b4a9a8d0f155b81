import Tensors

#if canImport(Glibc)
  import Glibc
#endif

/// The arithmetic that kernels do, without traps: integers wrap, and division by zero gives zero.
protocol Number: Convertible, Comparable {
  static var zero: Self { get }
  static var one: Self { get }
  /// No number is smaller, no number is larger.
  static var lowest: Self { get }
  static var highest: Self { get }
  static func sum(_ a: Self, _ b: Self) -> Self
  static func difference(_ a: Self, _ b: Self) -> Self
  static func product(_ a: Self, _ b: Self) -> Self
  static func quotient(_ a: Self, _ b: Self) -> Self
  /// The sign of the divisor / of the dividend.
  static func modulo(_ a: Self, _ b: Self) -> Self
  static func remainder(_ a: Self, _ b: Self) -> Self
  static func power(_ a: Self, _ b: Self) -> Self
  /// A NaN wins.
  static func larger(_ a: Self, _ b: Self) -> Self
  static func smaller(_ a: Self, _ b: Self) -> Self
  static func absolute(_ a: Self) -> Self
  static func negated(_ a: Self) -> Self
  static func sign(_ a: Self) -> Self
}

extension Number where Self: FixedWidthInteger {
  static var one: Self { 1 }
  static var lowest: Self { min }
  static var highest: Self { max }
  @inline(__always) static func sum(_ a: Self, _ b: Self) -> Self { a &+ b }
  @inline(__always) static func difference(_ a: Self, _ b: Self) -> Self { a &- b }
  @inline(__always) static func product(_ a: Self, _ b: Self) -> Self { a &* b }
  @inline(__always) static func quotient(_ a: Self, _ b: Self) -> Self {
    b == 0 ? 0 : a.dividedReportingOverflow(by: b).partialValue
  }
  @inline(__always) static func remainder(_ a: Self, _ b: Self) -> Self {
    b == 0 ? 0 : a.remainderReportingOverflow(dividingBy: b).partialValue
  }
  @inline(__always) static func modulo(_ a: Self, _ b: Self) -> Self {
    let remainder = Self.remainder(a, b)
    return remainder != 0 && (remainder < 0) != (b < 0) ? remainder &+ b : remainder
  }
  static func power(_ a: Self, _ b: Self) -> Self {
    if b < 0 {
      // 1/aⁿ truncates to 0 for all but ±1.
      return a == 1 ? 1 : (Self.isSigned && a == 0 &- 1) ? (b & 1 == 0 ? 1 : a) : 0
    }
    var (result, factor, exponent) = (Self(1), a, b)
    while exponent != 0 {
      if exponent & 1 != 0 { result = result &* factor }
      factor = factor &* factor
      exponent >>= 1
    }
    return result
  }
  @inline(__always) static func larger(_ a: Self, _ b: Self) -> Self { a > b ? a : b }
  @inline(__always) static func smaller(_ a: Self, _ b: Self) -> Self { a < b ? a : b }
  @inline(__always) static func absolute(_ a: Self) -> Self { a < 0 ? 0 &- a : a }
  @inline(__always) static func negated(_ a: Self) -> Self { 0 &- a }
  @inline(__always) static func sign(_ a: Self) -> Self { a > 0 ? 1 : a == 0 ? 0 : 0 &- 1 }
}

extension Int64: Number {}
extension UInt64: Number {}

/// `Float` and `Double`, with the functions of the C library.
protocol Real: Number, BinaryFloatingPoint {
  static func exponential(_ x: Self) -> Self
  static func exponentialMinusOne(_ x: Self) -> Self
  static func logarithm(_ x: Self) -> Self
  static func logarithmPlusOne(_ x: Self) -> Self
  static func hyperbolicTangent(_ x: Self) -> Self
  static func error(_ x: Self) -> Self
  static func trigonometric(_ function: Trigonometric, _ x: Self) -> Self
  static func raise(_ x: Self, _ y: Self) -> Self
}

/// The functions that are only ever called one element at a time.
enum Trigonometric: Sendable {
  case sine, cosine, tangent, arcSine, arcCosine, arcTangent, hyperbolicSine, hyperbolicCosine
  case inverseHyperbolicSine, inverseHyperbolicCosine, inverseHyperbolicTangent
}

extension Number where Self: Real {
  static var one: Self { 1 }
  static var lowest: Self { -infinity }
  static var highest: Self { infinity }
  @inline(__always) static func sum(_ a: Self, _ b: Self) -> Self { a + b }
  @inline(__always) static func difference(_ a: Self, _ b: Self) -> Self { a - b }
  @inline(__always) static func product(_ a: Self, _ b: Self) -> Self { a * b }
  @inline(__always) static func quotient(_ a: Self, _ b: Self) -> Self { a / b }
  static func remainder(_ a: Self, _ b: Self) -> Self { a.truncatingRemainder(dividingBy: b) }
  static func modulo(_ a: Self, _ b: Self) -> Self {
    let remainder = a.truncatingRemainder(dividingBy: b)
    return remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : remainder
  }
  static func power(_ a: Self, _ b: Self) -> Self { raise(a, b) }
  @inline(__always) static func larger(_ a: Self, _ b: Self) -> Self { a < b || b != b ? b : a }
  @inline(__always) static func smaller(_ a: Self, _ b: Self) -> Self { a > b || b != b ? b : a }
  @inline(__always) static func absolute(_ a: Self) -> Self { a.magnitude }
  @inline(__always) static func negated(_ a: Self) -> Self { -a }
  @inline(__always) static func sign(_ a: Self) -> Self { a > 0 ? 1 : a < 0 ? -1 : a }
}

extension Float: Real {
  @inline(__always) static func exponential(_ x: Self) -> Self { expf(x) }
  @inline(__always) static func exponentialMinusOne(_ x: Self) -> Self { expm1f(x) }
  @inline(__always) static func logarithm(_ x: Self) -> Self { logf(x) }
  @inline(__always) static func logarithmPlusOne(_ x: Self) -> Self { log1pf(x) }
  @inline(__always) static func hyperbolicTangent(_ x: Self) -> Self { tanhf(x) }
  @inline(__always) static func error(_ x: Self) -> Self { erff(x) }
  @inline(__always) static func raise(_ x: Self, _ y: Self) -> Self { powf(x, y) }
  static func trigonometric(_ function: Trigonometric, _ x: Self) -> Self {
    switch function {
    case .sine: sinf(x)
    case .cosine: cosf(x)
    case .tangent: tanf(x)
    case .arcSine: asinf(x)
    case .arcCosine: acosf(x)
    case .arcTangent: atanf(x)
    case .hyperbolicSine: sinhf(x)
    case .hyperbolicCosine: coshf(x)
    case .inverseHyperbolicSine: asinhf(x)
    case .inverseHyperbolicCosine: acoshf(x)
    case .inverseHyperbolicTangent: atanhf(x)
    }
  }
}

extension Double: Real {
  @inline(__always) static func exponential(_ x: Self) -> Self { exp(x) }
  @inline(__always) static func exponentialMinusOne(_ x: Self) -> Self { expm1(x) }
  @inline(__always) static func logarithm(_ x: Self) -> Self { log(x) }
  @inline(__always) static func logarithmPlusOne(_ x: Self) -> Self { log1p(x) }
  @inline(__always) static func hyperbolicTangent(_ x: Self) -> Self { tanh(x) }
  @inline(__always) static func error(_ x: Self) -> Self { erf(x) }
  @inline(__always) static func raise(_ x: Self, _ y: Self) -> Self { pow(x, y) }
  static func trigonometric(_ function: Trigonometric, _ x: Self) -> Self {
    switch function {
    case .sine: sin(x)
    case .cosine: cos(x)
    case .tangent: tan(x)
    case .arcSine: asin(x)
    case .arcCosine: acos(x)
    case .arcTangent: atan(x)
    case .hyperbolicSine: sinh(x)
    case .hyperbolicCosine: cosh(x)
    case .inverseHyperbolicSine: asinh(x)
    case .inverseHyperbolicCosine: acosh(x)
    case .inverseHyperbolicTangent: atanh(x)
    }
  }
}
