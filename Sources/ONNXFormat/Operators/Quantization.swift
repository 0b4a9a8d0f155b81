import ModelGraph
import Tensors

extension OperatorImport {
  /// Linear quantisation, per tensor or per axis, as the arithmetic that ONNX defines it to be.
  static let quantizationOperators: [String: OperatorImport] = [
    "DequantizeLinear": OperatorImport(2...3, since: 10) { node in
      let (x, scale) = (try node.operand(0), try node.operand(1))
      let parameters = try node.quantizationParameters()
      guard let type = node.elementType(scale) else { throw NodeImport.unknownType }
      if let output = try node.integer("output_dtype"), output != 0,
        try TensorDecoding.elementType(output, malformed: node.malformed) != type
      {
        throw NodeImport.UnsupportedForm(reason: "output_dtype \(output)")
      }
      var number = node.intermediate(.cast(type), [x], "number")
      if let zero = parameters.zeroPoint {
        let zeroNumber = node.intermediate(.cast(type), [zero], "zeroNumber")
        number = node.intermediate(.binary(.subtract), [number, zeroNumber], "centered")
      }
      try node.emit(.binary(.multiply), [number, parameters.scale])
    },
    "QuantizeLinear": OperatorImport(2...3, since: 10) { node in
      node.ignore("saturate")
      let parameters = try node.quantizationParameters()
      guard try node.integer("precision", default: 0) == 0 else {
        throw NodeImport.UnsupportedForm(reason: "precision")
      }
      let type = try node.quantizedType(parameters.zeroPoint)
      guard let range = type.quantizedRange, let real = node.elementType(parameters.scale) else {
        throw NodeImport.UnsupportedForm(reason: "to \(type)")
      }
      var x = try node.operand(0)
      if node.elementType(x) != real { x = node.intermediate(.cast(real), [x], "number") }
      let ratio = node.intermediate(.binary(.divide), [x, parameters.scale], "ratio")
      var level = node.intermediate(.unary(.round), [ratio], "level")
      if let zero = parameters.zeroPoint {
        let zeroNumber = node.intermediate(.cast(real), [zero], "zeroNumber")
        level = node.intermediate(.binary(.add), [level, zeroNumber], "shifted")
      }
      let clipped = node.intermediate(
        .unary(.clip(minimum: range.lowerBound, maximum: range.upperBound)), [level], "clipped")
      try node.emit(.cast(type), [clipped])
    },
  ]
}

extension ElementType {
  /// The integers that a quantised value of this type may be; `nil` where a 32-bit float cannot tell them apart.
  fileprivate var quantizedRange: ClosedRange<Double>? {
    switch self {
    case .int8: -128...127
    case .uint8: 0...255
    case .int16: -32768...32767
    case .uint16: 0...65535
    case .int4: -8...7
    case .uint4: 0...15
    default: nil
    }
  }
}

extension NodeImport {
  fileprivate static let unknownType = UnsupportedForm(
    reason: "the element type of its scale cannot be told from the file")

  /// The element type that the zero point has, or the attribute names, or `uint8`.
  fileprivate func quantizedType(_ zeroPoint: ValueID?) throws -> ElementType {
    let output = try integer("output_dtype", default: 0)
    if zeroPoint != nil {
      guard let type = elementType(zeroPoint) else { throw Self.unknownType }
      return type
    }
    if output == 0 { return .uint8 }
    do { return try TensorDecoding.elementType(output, malformed: malformed) } catch let unsupported
      as TensorDecoding.UnsupportedType
    { throw UnsupportedForm(reason: "to \(unsupported.name)") }
  }

  /// Scale and zero point, shaped so that they broadcast along the quantised axis.
  fileprivate func quantizationParameters() throws -> (scale: ValueID, zeroPoint: ValueID?) {
    guard try integer("block_size", default: 0) == 0 else { throw UnsupportedForm(reason: "blocks") }
    let axis = try integer("axis", default: 1)
    let scale = try operand(1)
    guard let scaleRank = rank(scale) else {
      throw UnsupportedForm(reason: "a scale whose rank cannot be told from the file")
    }
    // One number broadcasts by itself.
    if scaleRank == 0 || tensor(scale)?.shape.elementCount == 1 { return (scale, optional(2)) }
    guard scaleRank == 1, let rank = rank(try operand(0)), (-rank..<rank).contains(axis) else {
      throw UnsupportedForm(reason: "a scale per axis of a value whose rank does not show the axis")
    }
    var column = [Int](repeating: 1, count: axis < 0 ? -axis : rank - axis)
    column[0] = -1
    let shape = try constant(column, "column")
    let columns = intermediate(.reshape(allowZero: false), [scale, shape], "scales")
    let zeroPoints = optional(2).map { intermediate(.reshape(allowZero: false), [$0, shape], "zeroPoints") }
    return (columns, zeroPoints)
  }
}
