import Device
import ModelGraph
import Tensors

/// Operands of a product of 8-bit integers in 16 bits, with their zero points subtracted. The difference fits, and products of two
/// fit 32 bits.
struct WideOperand: Sendable {
  private let walk: Walk
  private let line: (count: Int, step: SIMD4<Int>)
  private let isSigned: Bool
  private let indices: (operand: Int, zero: Int)
  /// Elements, in as many `Int16`.
  let count: Int

  /// - Parameters:
  ///   - strides: of the wide elements along the operand's axes.
  ///   - zeroStrides: of the zero point along them.
  init(
    _ request: KernelRequest, operand: Int, zero: Int, strides: [Int], zeroStrides: [Int]
  ) throws {
    let given = try request.operand(operand)
    try request.require(
      given.elementType == .int8 || given.elementType == .uint8,
      "operand \(operand) should be of 8-bit integers")
    if let zero = request.optionalOperand(zero) {
      try request.require(
        zero.elementType == given.elementType, "a zero point has another type than its operand")
    }
    isSigned = given.elementType == .int8
    indices = (operand, zero)
    count = given.shape.elementCount
    var walk = Walk(given.shape.dims, [strides, denseStrides(given.shape.dims), zeroStrides])
    line = walk.removeInnermost()
    self.walk = walk
  }

  var scratchBytes: Int { alignedScratch(count &* 2) }

  func fill(_ frame: Frame, _ target: UnsafeMutablePointer<Int16>) throws {
    if count == 0 { return }
    if isSigned { try fill(frame, target, Int8.self) } else { try fill(frame, target, UInt8.self) }
  }

  private func fill<Element: FixedWidthInteger & BitwiseCopyable>(
    _ frame: Frame, _ target: UnsafeMutablePointer<Int16>, _ type: Element.Type
  ) throws {
    let source = try frame.operand(indices.operand, as: type)
    let zero = frame.optional(indices.zero, as: type)
    let step = line.step
    walk.forEach { offset in
      let (to, from) = (target + offset[0], source + offset[1])
      if step[2] == 0 || zero == nil {
        let shift = zero.map { Int16(truncatingIfNeeded: $0[offset[2]]) } ?? 0
        if step[0] == 1, step[1] == 1 {
          for index in 0..<line.count { to[index] = Int16(truncatingIfNeeded: from[index]) &- shift }
        } else {
          for index in 0..<line.count {
            to[index &* step[0]] = Int16(truncatingIfNeeded: from[index &* step[1]]) &- shift
          }
        }
      } else if let zero {
        for index in 0..<line.count {
          let shift = Int16(truncatingIfNeeded: zero[offset[2] &+ index &* step[2]])
          to[index &* step[0]] = Int16(truncatingIfNeeded: from[index &* step[1]]) &- shift
        }
      }
    }
  }
}

/// The last part of a product of 8-bit integers: its sums plus the bias, in the form of the result.
struct ProductEpilogue: Sendable {
  private let result: ProductResult
  private let outer: Int
  private let channels: Int
  private let inner: Int
  private let steps: (bias: Int, scale: Int)

  /// - Parameters:
  ///   - outer: places before the axis of channels.
  ///   - inner: places behind it.
  init(_ request: KernelRequest, _ result: ProductResult, outer: Int, channels: Int, inner: Int) throws {
    try request.require(
      try request.result(0).elementType == result.elementType, "the result should be \(result.elementType)")
    func step(_ index: Int, _ type: ElementType) throws -> Int {
      guard let operand = request.optionalOperand(index) else { return 0 }
      let count = operand.shape.elementCount
      try request.require(
        operand.elementType == type && (count == 1 || count == channels),
        "operand \(index) should be of \(type), one number or \(channels)")
      return count == 1 ? 0 : 1
    }
    steps = (try step(4, .int32), try step(5, .float32))
    try request.require(
      (request.optionalOperand(5) != nil) == (result != .sums), "a result other than sums needs a scale")
    if let zero = request.optionalOperand(6) {
      try request.require(
        zero.elementType == result.elementType && zero.shape.elementCount == 1,
        "the zero point or step should be one \(result.elementType)")
    }
    self.result = result
    let isUniform = steps.bias == 0 && steps.scale == 0
    (self.outer, self.channels, self.inner) =
      isUniform ? (1, 1, outer &* channels &* inner) : (outer, channels, inner)
  }

  /// True when the sums may lie where the result will.
  var isInPlace: Bool { result.elementType.bitWidth == 32 }

  func run(_ frame: Frame, _ sums: UnsafePointer<Int32>) throws {
    let bias = frame.optional(4, as: Int32.self)
    switch result {
    case .sums:
      let target = try frame.result(0, as: Int32.self)
      guard bias != nil || UnsafePointer(target) != sums else { return }
      forEach(bias, nil) { index, bias, _ in target[index] = sums[index] &+ bias }
    case .floats:
      let scale = try frame.operand(5, as: Float.self)
      let target = try frame.result(0, as: Float.self)
      forEach(bias, scale) { index, bias, scale in target[index] = Float(sums[index] &+ bias) * scale }
    case .rounded(let minimum, let maximum):
      let scale = try frame.operand(5, as: Float.self)
      let step = try frame.operand(6, as: Float.self)[0]
      let target = try frame.result(0, as: Float.self)
      let (lowest, highest) = (Float(minimum), Float(maximum))
      forEach(bias, scale) { index, bias, scale in
        target[index] = Float(Level.nearest(Float(sums[index] &+ bias) * scale, lowest, highest)) * step
      }
    case .levels(let range):
      if range.isSigned {
        try levels(range, frame, sums, bias, Int8.self)
      } else {
        try levels(range, frame, sums, bias, UInt8.self)
      }
    }
  }

  private func levels<Element: FixedWidthInteger & BitwiseCopyable>(
    _ range: QuantizedRange, _ frame: Frame, _ sums: UnsafePointer<Int32>, _ bias: UnsafePointer<Int32>?,
    _ type: Element.Type
  ) throws {
    let scale = try frame.operand(5, as: Float.self)
    let target = try frame.result(0, as: type)
    let zero = frame.optional(6, as: type).map { Int32(truncatingIfNeeded: $0[0]) } ?? 0
    let lowest = Float(Int32(truncatingIfNeeded: range.minimum) &- zero)
    let highest = Float(Int32(truncatingIfNeeded: range.maximum) &- zero)
    forEach(bias, scale) { index, bias, scale in
      let level = Level.nearest(Float(sums[index] &+ bias) * scale, lowest, highest)
      target[index] = Element(truncatingIfNeeded: level &+ zero)
    }
  }

  @inline(__always) private func forEach(
    _ bias: UnsafePointer<Int32>?, _ scale: UnsafePointer<Float>?,
    _ body: (_ index: Int, _ bias: Int32, _ scale: Float) -> Void
  ) {
    var index = 0
    for _ in 0..<outer {
      for channel in 0..<channels {
        let shift = bias.map { $0[channel &* steps.bias] } ?? 0
        let factor = scale.map { $0[channel &* steps.scale] } ?? 1
        for position in 0..<inner { body(index &+ position, shift, factor) }
        index &+= inner
      }
    }
  }
}
