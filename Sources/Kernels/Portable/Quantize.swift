import Device
import ModelGraph
import Tensors

extension Quantize: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try QuantizeProgram.build(self, request) }
}

extension Dequantize: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try DequantizeProgram.build(self, request) }
}

/// Scale and zero point: one number each, or one for each index along an axis.
struct QuantizationSteps: Sendable {
  let outer: Int
  let channels: Int
  let inner: Int

  /// Reads the shapes of operands 1 and 2 of a request whose first operand is quantised or dequantised along `axis`.
  init(_ request: KernelRequest, axis: Int) throws {
    let shape = try request.operand(0).shape
    try request.requireResult(shape.dims)
    let scale = try request.operand(1)
    try request.require(scale.elementType == .float32, "the scale should be float32")
    let count = scale.shape.elementCount
    if let zero = request.optionalOperand(2) {
      try request.require(
        zero.shape.elementCount == count, "scale and zero point should have the same number of elements")
    }
    if count == 1 {
      (outer, channels, inner) = (1, 1, shape.elementCount)
      return
    }
    let (outer, channels, inner) = shape.split(at: try request.axis(axis, rank: shape.rank))
    try request.require(
      count == channels, "the scale has \(count) elements for an axis of \(channels)")
    (self.outer, self.channels, self.inner) = (outer, channels, inner)
  }

  /// Calls `body` for each element with its index and that of its scale. Neighbours come together.
  @inline(__always) func forEach(_ body: (_ index: Int, _ channel: Int) -> Void) {
    var index = 0
    for _ in 0..<outer {
      if inner == 1 {
        for channel in 0..<channels { body(index &+ channel, channel) }
        index &+= channels
      } else {
        for channel in 0..<channels {
          for position in 0..<inner { body(index &+ position, channel) }
          index &+= inner
        }
      }
    }
  }
}

/// Rounding of floats to integers of a small range.
enum Level {
  /// Returns the integer nearest to `value`, which is limited to a range within ±2²²; ties are even, and NaN becomes `lowest`.
  @inline(__always) static func nearest(_ value: Float, _ lowest: Float, _ highest: Float) -> Int32 {
    let low = value > lowest ? value : lowest
    let limited = low < highest ? low : highest
    // Beyond 2²³ the floats are the integers: adding such a number rounds, and leaves the integer in the low bits.
    return Int32(bitPattern: (limited + 12_582_912).bitPattern) &- 0x4B40_0000
  }
}

/// ONNX `QuantizeLinear`: x, scale, zero point (optional).
enum QuantizeProgram {
  static func build(_ quantize: Quantize, _ request: KernelRequest) throws -> Program? {
    if let program = try Conversion.ifNeeded(request, operands: [0: .float32]) { return program }
    let steps = try QuantizationSteps(request, axis: quantize.axis)
    let result = try request.result(0)
    if let zero = request.optionalOperand(2) {
      try request.require(zero.elementType == result.elementType, "the zero point has another type")
    }
    func program<Element: FixedWidthInteger & BitwiseCopyable & Sendable>(_ type: Element.Type) -> Program {
      Program(name: "quantize to \(result.elementType)") { frame in
        let (x, scale) = (try frame.operand(0, as: Float.self), try frame.operand(1, as: Float.self))
        let (zero, target) = (frame.optional(2, as: type), try frame.result(0, as: type))
        let (lowest, highest) = (Float(Element.min), Float(Element.max))
        steps.forEach { index, channel in
          let offset = zero.map { Int32(truncatingIfNeeded: $0[channel]) } ?? 0
          let shift = Float(offset)
          let level = Level.nearest(x[index] / scale[channel], lowest - shift, highest - shift)
          target[index] = Element(truncatingIfNeeded: level &+ offset)
        }
      }
    }
    switch result.elementType {
    case .int8: return program(Int8.self)
    case .uint8: return program(UInt8.self)
    case .int16: return program(Int16.self)
    case .uint16: return program(UInt16.self)
    default: return nil
    }
  }
}

/// ONNX `DequantizeLinear`: x, scale, zero point (optional).
enum DequantizeProgram {
  static func build(_ dequantize: Dequantize, _ request: KernelRequest) throws -> Program? {
    if let program = try Conversion.ifNeeded(request, results: [0: .float32]) { return program }
    let steps = try QuantizationSteps(request, axis: dequantize.axis)
    let x = try request.operand(0)
    if let zero = request.optionalOperand(2) {
      try request.require(zero.elementType == x.elementType, "the zero point has another type")
    }
    func program<Element: FixedWidthInteger & BitwiseCopyable & Sendable>(_ type: Element.Type) -> Program {
      Program(name: "dequantize \(x.elementType)") { frame in
        let (source, scale) = (try frame.operand(0, as: type), try frame.operand(1, as: Float.self))
        let (zero, target) = (frame.optional(2, as: type), try frame.result(0, as: Float.self))
        steps.forEach { index, channel in
          let offset = zero.map { Int32(truncatingIfNeeded: $0[channel]) } ?? 0
          let centred = Int32(truncatingIfNeeded: source[index]) &- offset
          target[index] = Float(centred) * scale[channel]
        }
      }
    }
    switch x.elementType {
    case .int8: return program(Int8.self)
    case .uint8: return program(UInt8.self)
    case .int16: return program(Int16.self)
    case .uint16: return program(UInt16.self)
    case .int32: return program(Int32.self)
    default: return nil
    }
  }
}
