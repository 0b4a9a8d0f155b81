import ModelGraph
import Tensors

extension NodeImport {
  /// Makes `DequantizeLinear` of 8-, 16- and 32-bit integers, with one scale or one for each index along an axis.
  /// - Returns: false, with nothing made, for other forms.
  func dequantizesPlainly() throws -> Bool {
    let (x, scale) = (try operand(0), try operand(1))
    guard let type = elementType(x), type.isNarrowInteger || type == .int32, let real = elementType(scale),
      real.isFloatingPoint, real != .float64, try isPlain(scale)
    else { return false }
    let output = try integer("output_dtype", default: 0)
    let target = output == 0 ? real : try? TensorDecoding.elementType(output, malformed: malformed)
    guard let target, target.isFloatingPoint else { return false }
    try emit(
      .dequantize(axis: try quantizedAxis(of: x), to: target),
      [x, converted(scale, to: .float32, "scale"), optional(2)])
    return true
  }

  /// Makes `QuantizeLinear` to 8- and 16-bit integers, with one scale or one for each index along an axis.
  /// - Returns: false, with nothing made, for other forms.
  func quantizesPlainly() throws -> Bool {
    let (x, scale) = (try operand(0), try operand(1))
    // Scales of halves divide in halves.
    guard elementType(scale) == .float32, try isPlain(scale), elementType(x) != .float64,
      try integer("precision", default: 0) == 0
    else { return false }
    let output = try integer("output_dtype", default: 0)
    var target: ElementType? = .uint8
    if let zero = optional(2) {
      target = elementType(zero)
      // A contradiction is for the general form to report.
      if output != 0, try elementType(number: output) != target { return false }
    } else if output != 0 {
      target = try? TensorDecoding.elementType(output, malformed: malformed)
    }
    guard let target, target.isNarrowInteger else { return false }
    ignore("saturate")
    try emit(
      .quantize(axis: try quantizedAxis(of: x), to: target),
      [x, scale, optional(2)])
    return true
  }

  /// The axis of a scale for each index; a value of one axis has but that.
  private func quantizedAxis(of x: ValueID) throws -> Int {
    let axis = try integer("axis", default: 1)
    return rank(x) == 1 ? 0 : axis
  }

  /// Returns true if a scale is one number or a vector, and not one of blocks.
  private func isPlain(_ scale: ValueID) throws -> Bool {
    guard let rank = rank(scale), rank <= 1 else { return false }
    return try integer("block_size", default: 0) == 0
  }

  /// The floats of a quantised operand: the value at `index`, its scale and its zero point behind it.
  func dequantized(_ index: Int, _ suffix: String) throws -> ValueID {
    try dequantized(try operand(index), try operand(index + 1), optional(index + 2), suffix)
  }

  /// The floats of a value with one scale.
  func dequantized(_ x: ValueID, _ scale: ValueID, _ zero: ValueID?, _ suffix: String) throws -> ValueID {
    let step = try singleNumber(scale, "scale")
    return intermediate(
      .dequantize(to: .float32), [x, step, try zero.map { try singleNumber($0, "zero point") }], suffix)
  }

  /// Makes the node that quantises floats as the file's result, which has the element type of the zero point, or else of `model`.
  func emitQuantized(_ x: ValueID, scale: Int, like model: ValueID) throws {
    let zero = optional(scale + 1)
    guard let type = elementType(zero ?? model) else {
      throw UnsupportedForm(reason: "the element type of its result cannot be told from the file")
    }
    let step = try singleNumber(try operand(scale), "scale")
    try emit(.quantize(to: type), [x, step, try zero.map { try singleNumber($0, "zero point") }])
  }

  /// Checks that a scale or a zero point is not known to be more than one number.
  func singleNumber(_ id: ValueID, _ what: String) throws -> ValueID {
    if let tensor = tensor(id), tensor.shape.elementCount != 1 {
      throw UnsupportedForm(reason: "a \(what) of \(tensor.shape.elementCount) numbers")
    }
    return id
  }
}
