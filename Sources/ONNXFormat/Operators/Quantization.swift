import ModelGraph
import Tensors

extension OperatorImport {
  /// Linear quantisation as the arithmetic that ONNX defines it to be.
  static let quantizationOperators: [String: OperatorImport] = [
    "DequantizeLinear": OperatorImport(2...3, since: 10, dequantize),
    "QuantizeLinear": OperatorImport(2...3, since: 10, quantize),
  ]

  /// `(x − zeroPoint) · scale`, computed in floats and rounded once.
  private static func dequantize(_ node: NodeImport) throws {
    if try node.dequantizesPlainly() { return }
    let (x, scale) = (try node.operand(0), try node.operand(1))
    guard let scaleType = node.elementType(scale) else { throw NodeImport.unknownType }
    let number = try node.integer("output_dtype", default: 0)
    let type = number == 0 ? scaleType : try node.elementType(number: number)
    guard type.isFloatingPoint, !type.isSmallFloat else {
      throw NodeImport.UnsupportedForm(reason: "to \(type)")
    }
    let real: ElementType = type == .float64 ? .float64 : .float32
    let granularity = try QuantizationGranularity(node)
    var value = try granularity.split(x)
    var zeroPoint = node.isZero(node.optional(2)) ? nil : node.optional(2)
    if node.elementType(x) == .int32, let zero = zeroPoint {
      // A float does not hold every one of these integers, but their difference is exact.
      value = node.intermediate(
        .binary(.subtract), [value, try granularity.aligned(zero, "zeroPoints")], "centered")
      zeroPoint = nil
    }
    value = node.converted(value, to: real, "number")
    if let zero = zeroPoint {
      let zeros = try granularity.aligned(node.converted(zero, to: real, "zeroNumber"), "zeroPoints")
      value = node.intermediate(.binary(.subtract), [value, zeros], "centered")
    }
    let scales = try granularity.aligned(node.converted(scale, to: real, "scaleNumber"), "scales")
    if type == real, !granularity.isSplit { return try node.emit(.binary(.multiply), [value, scales]) }
    let product = node.intermediate(.binary(.multiply), [value, scales], "product")
    try granularity.emit(type == real ? .identity : .cast(type), product)
  }

  /// `x / scale + zeroPoint`, rounded to an integer before the addition if the result is one.
  private static func quantize(_ node: NodeImport) throws {
    if try node.quantizesPlainly() { return }
    let saturates = try node.flag("saturate", default: true)
    let scale = try node.operand(1)
    let type = try node.quantizedType(node.optional(2))
    guard type.quantizedRange != nil || type.isSmallFloat && type != .float8E8M0 else {
      throw NodeImport.UnsupportedForm(reason: "to \(type)")
    }
    let precision = try node.divisionType(of: scale)
    let granularity = try QuantizationGranularity(node)
    // A quotient of halves is rounded to a half; halves do not hold every integer that the sum may be.
    let real: ElementType = precision == .float64 ? .float64 : .float32
    func rounded(_ id: ValueID, _ suffix: String) -> ValueID {
      node.converted(node.converted(id, to: precision, suffix), to: real, "wide/" + suffix)
    }
    let x = rounded(try granularity.split(try node.operand(0)), "number")
    let scales = try granularity.aligned(rounded(scale, "scaleNumber"), "scales")
    var level = rounded(node.intermediate(.binary(.divide), [x, scales], "ratio"), "roundedRatio")
    if type.quantizedRange != nil { level = node.intermediate(.unary(.round), [level], "level") }
    if let zero = node.optional(2), !node.isZero(zero) {
      let zeros = try granularity.aligned(node.converted(zero, to: real, "zeroNumber"), "zeroPoints")
      level = node.intermediate(.binary(.add), [level, zeros], "shifted")
    }
    if let range = type.quantizedRange {
      level = node.intermediate(
        .unary(.clip(minimum: range.lowerBound, maximum: range.upperBound)), [level], "clipped")
    }
    let rounding =
      type == .float4E2M1 || type.isInteger ? .standard : SmallFloatRounding(saturates: saturates)
    try granularity.emit(.cast(type, rounding), level)
  }
}

extension ElementType {
  /// The integers that a quantised value of this type may be.
  fileprivate var quantizedRange: ClosedRange<Double>? {
    switch self {
    case .int8: -128...127
    case .uint8: 0...255
    case .int16: -32768...32767
    case .uint16: 0...65535
    case .int4: -8...7
    case .uint4: 0...15
    case .int2: -2...1
    case .uint2: 0...3
    default: nil
    }
  }
}

extension NodeImport {
  fileprivate static let unknownType = UnsupportedForm(
    reason: "the element type of its scale cannot be told from the file")

  /// True for a constant of zeros, which changes nothing where it is added.
  fileprivate func isZero(_ id: ValueID?) -> Bool {
    guard let tensor = tensor(id) else { return false }
    return tensor.withUnsafeBytes { bytes in bytes.allSatisfy { $0 == 0 } }
  }

  /// The element type that the zero point has, or the attribute names, or `uint8`.
  fileprivate func quantizedType(_ zeroPoint: ValueID?) throws -> ElementType {
    let number = try integer("output_dtype", default: 0)
    let named = number == 0 ? nil : try elementType(number: number)
    guard zeroPoint != nil else { return named ?? .uint8 }
    guard let type = elementType(zeroPoint) else {
      throw UnsupportedForm(reason: "the element type of its zero point cannot be told from the file")
    }
    if let named, named != type {
      throw malformed("has the output_dtype \(named) with a zero point of \(type)")
    }
    return type
  }

  /// The type that values are divided by their scales in.
  fileprivate func divisionType(of scale: ValueID) throws -> ElementType {
    let number = try integer("precision", default: 0)
    guard let type = number == 0 ? elementType(scale) : try elementType(number: number) else {
      throw Self.unknownType
    }
    switch type {
    case .float32, .float64, .float16, .bfloat16: return type
    case .float8E8M0: return .float32
    case .int32: return .float64
    default: throw UnsupportedForm(reason: "division in \(type)")
    }
  }
}
