import Tensors

/// ONNX `QuantizeLinear` to 8- and 16-bit integers: `saturate(round(x / scale) + zero point)`, in `float32`; ties round to even.
///
/// The scale (`float32`) is one number or one for each index along the axis. The zero point has its shape and the result's
/// type.
package struct Quantize: Operator {
  package static let name = "quantize"
  package static let signature = Signature(.data("x"), .data("scale"), .optional(.data("zero point")))
  package static let family = OperatorFamily.elementwise

  /// Counts from the end if negative.
  package var axis: Int
  package var target: ElementType

  package init(axis: Int, target: ElementType) {
    self.axis = axis
    self.target = target
  }

  package static var coding: Coding<Self> { Coding(Self.init, \.axis, \.target) }

  package var attributes: [PrintedAttribute] {
    [PrintedAttribute("to", target.shortName)] + (axis == 1 ? [] : [PrintedAttribute("axis", axis)])
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    guard target.isNarrowInteger else { throw node.failure("it quantises to \(target)") }
    if let type = node.elementType(2), type != target {
      throw node.failure("its zero point is \(type), not \(target)")
    }
    try node.checkQuantization(axis)
    return [Fact(target, node.dimensions(0))]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.keepsQuantizedRows(axis) }
}

/// ONNX `DequantizeLinear` of 8-, 16- and 32-bit integers: `(x − zero point) · scale`, computed in `float32`.
///
/// The scale (`float32`) is one number or one for each index along the axis. The zero point has its shape and x's type.
package struct Dequantize: Operator {
  package static let name = "dequantize"
  package static let signature = Signature(.data("x"), .data("scale"), .optional(.data("zero point")))
  package static let family = OperatorFamily.elementwise

  /// Counts from the end if negative.
  package var axis: Int
  /// A floating-point type.
  package var target: ElementType

  package init(axis: Int, target: ElementType) {
    self.axis = axis
    self.target = target
  }

  package static var coding: Coding<Self> { Coding(Self.init, \.axis, \.target) }

  package var attributes: [PrintedAttribute] {
    (target == .float32 ? [] : [PrintedAttribute("to", target.shortName)])
      + (axis == 1 ? [] : [PrintedAttribute("axis", axis)])
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    guard target.isFloatingPoint else { throw node.failure("it dequantises to \(target)") }
    if let type = node.elementType(0) {
      guard type.isNarrowInteger || type == .int32 else { throw node.failure("it dequantises \(type)") }
      if let zero = node.elementType(2), zero != type {
        throw node.failure("its zero point is \(zero), not \(type)")
      }
    }
    try node.checkQuantization(axis)
    return [Fact(target, node.dimensions(0))]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.keepsQuantizedRows(axis) }
}

extension Op {
  package static func quantize(axis: Int = 1, to target: ElementType) -> Op {
    Op(Quantize(axis: axis, target: target))
  }
  package static func dequantize(axis: Int = 1, to target: ElementType = .float32) -> Op {
    Op(Dequantize(axis: axis, target: target))
  }
}

extension ElementType {
  /// True for the integers of 8 and 16 bits.
  package var isNarrowInteger: Bool {
    switch self {
    case .int8, .uint8, .int16, .uint16: true
    default: false
    }
  }
}

extension BatchRows {
  /// Returns true if rows are quantised each by itself, along an axis within them or with one scale.
  fileprivate func keepsQuantizedRows(_ axis: Int) -> Bool {
    isRows(0) && restIsFixed && (rank(1) == 0 || isInner(axis, of: 0))
  }
}

extension NodeTyping {
  /// Checks a scale, and a zero point of its shape: one number, or a vector along the axis.
  fileprivate func checkQuantization(_ axis: Int) throws(GraphError) {
    if let type = elementType(1), type != .float32 { throw failure("its scale is \(type), not float32") }
    for (index, what) in [(1, "scale"), (2, "zero point")] {
      guard let given = dimensions(index), given.contains(where: { $0 != .known(1) }) else { continue }
      guard given.count == 1 else { throw failure("its \(what) is \(ValueType.text(given))") }
      if let whole = dimensions(0) {
        try checkVector(index, whole[try normalized(axis, rank: whole.count)], what)
      }
    }
  }
}
