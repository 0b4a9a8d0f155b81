import Tensors

/// One element of a small tensor, as far as it is known before the inputs are.
enum Scalar: Sendable, Hashable {
  /// An integer, or a boolean as 0 or 1.
  case integer(Int)
  /// A floating-point number, already rounded to the precision of its tensor.
  case real(Double)
  /// A dimension of that name: an integer that is not negative, whichever element type holds it.
  case symbol(String)
  case unknown

  init(_ dimension: Dimension) {
    switch dimension {
    case .known(let size): self = .integer(size)
    case .symbol(let name): self = .symbol(name)
    case .unknown: self = .unknown
    }
  }

  /// The element as a size; unknown for a real.
  var dimension: Dimension {
    switch self {
    case .integer(let value): .known(value)
    case .symbol(let name): .symbol(name)
    case .real, .unknown: .unknown
    }
  }

  /// The integer when known.
  var integer: Int? { if case .integer(let value) = self { value } else { nil } }

  /// The number when known, whichever kind it is.
  var number: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .real(let value): value
    case .symbol, .unknown: nil
    }
  }

  /// A truth value when known.
  var truth: Bool? { number.map { $0 != 0 } }

  /// `value` as an element of `type`; unknown when it does not fit, since what happens then is the machine's affair.
  static func fitting(_ value: Int?, _ type: ElementType) -> Scalar {
    guard let value else { return .unknown }
    let fits =
      switch type {
      case .bool: value == 0 || value == 1
      case .int4: -8...7 ~= value
      case .uint4: 0...15 ~= value
      case .int2: -2...1 ~= value
      case .uint2: 0...3 ~= value
      case .int8: Int8(exactly: value) != nil
      case .uint8: UInt8(exactly: value) != nil
      case .int16: Int16(exactly: value) != nil
      case .uint16: UInt16(exactly: value) != nil
      case .int32: Int32(exactly: value) != nil
      case .uint32: UInt32(exactly: value) != nil
      case .int64: true
      case .uint64: value >= 0
      case .float32, .float64, .float16, .bfloat16: false
      case .float8E4M3FN, .float8E4M3FNUZ, .float8E5M2, .float8E5M2FNUZ, .float8E8M0, .float4E2M1: false
      case .sequence: false
      case .string: false
      }
    return fits ? .integer(value) : .unknown
  }

  /// `value` as the nearest element of `type`; unknown for the small floats, of which a cast says how it rounds.
  static func rounded(_ value: Double, _ type: ElementType) -> Scalar {
    switch type {
    case .float32: .real(Double(Float(value)))
    case .float16: .real(Double(Float16(value)))
    case .bfloat16: .real(Double(Float(BFloat16(Float(value)))))
    default: type.isSmallFloat ? .unknown : .real(value)
    }
  }
}

extension Tensor {
  /// The elements, unless there are more than ``Inference/maximumElements``.
  var scalars: [Scalar]? {
    guard shape.elementCount <= Inference.maximumElements else { return nil }
    if elementType == .float64 { return (try? elements(as: Double.self))?.map { .real($0) } }
    if elementType == .uint64 {
      return (try? elements(as: UInt64.self))?.map { Int(exactly: $0).map { .integer($0) } ?? .unknown }
    }
    return floats?.map { .real(Double($0)) } ?? integers?.map { .integer($0) }
  }
}
