import Tensors

extension Scalar {
  /// ONNX `Cast` from `source` to `target`: towards zero; unknown where the number does not fit.
  func cast(from source: ElementType, to target: ElementType) -> Scalar {
    switch self {
    case .unknown: return .unknown
    case .symbol: return target.bitWidth >= 32 ? self : .unknown
    case .integer(let value):
      if target == .bool { return .integer(value == 0 ? 0 : 1) }
      return target.isFloatingPoint ? .rounded(Double(value), target) : .fitting(value, target)
    case .real(let value):
      if target == .bool { return .integer(value == 0 ? 0 : 1) }
      if target.isFloatingPoint { return .rounded(value, target) }
      return .fitting(Int(exactly: value.rounded(.towardZero)), target)
    }
  }
}
