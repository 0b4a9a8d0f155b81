import CElements
import Device
import ModelGraph
import Tensors

extension LevelArithmetic: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    Program(name: Self.name, inPlaceOperands: [0, 1], onOneThread: try body(request))
  }

  /// Computes on elements that lie in one order everywhere.
  func body(_ request: KernelRequest) throws -> ThreadedKernel.Body {
    let (a, b) = (try request.operand(0), try request.operand(1))
    try request.requireResult(a.shape.dims)
    try request.require(a.shape == b.shape, "the operands should have one shape")
    try request.requireLevels([a.elementType, b.elementType], range)
    var call = fi_level_arithmetic()
    call.multiplies = function == .multiply ? 1 : 0
    call.is_signed = (a.elementType == .int8 ? 1 : 0, b.elementType == .int8 ? 1 : 0)
    let right = function == .subtract ? -self.b.scale : self.b.scale
    call.scale = (Float(self.a.scale), Float(right), Float(result.scale))
    call.zero = (Int32(clamping: self.a.zero), Int32(clamping: self.b.zero), Int32(clamping: result.zero))
    (call.low, call.high) = range.bounds(around: result.zero)
    call.count = a.shape.elementCount
    return { [call] frame, threads in
      var call = call
      fi_level_arithmetic_run(
        &call, try frame.operand(0, as: UInt8.self), try frame.operand(1, as: UInt8.self),
        try frame.result(0, as: UInt8.self), Int32(clamping: threads))
    }
  }
}

extension LevelAffine: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    Program(
      name: Self.name, inPlaceOperands: [0], onOneThread: try body(request, channelsAreLast: false))
  }

  /// - Parameter channelsAreLast: true if the elements of the axis lie side by side, whatever axes are behind it.
  func body(_ request: KernelRequest, channelsAreLast: Bool) throws -> ThreadedKernel.Body {
    let x = try request.operand(0)
    try request.requireResult(x.shape.dims)
    let (outer, channels, inner) = x.shape.split(at: try request.axis(axis, rank: x.shape.rank))
    for index in 1...2 {
      let operand = try request.operand(index)
      try request.require(
        operand.elementType == .float32 && operand.shape.elementCount == channels,
        "operand \(index) should have \(channels) numbers")
    }
    try request.requireLevels([x.elementType], range)
    var call = (
      isSigned: Int32(x.elementType == .int8 ? 1 : 0), zero: Int32(clamping: zero),
      bounds: range.bounds(around: zero), outer: outer, inner: inner
    )
    if channelsAreLast { (call.outer, call.inner) = (outer * inner, 1) }
    return { [call] frame, threads in
      var affine = fi_level_affine()
      affine.factor = try frame.operand(1, as: Float.self)
      affine.shift = try frame.operand(2, as: Float.self)
      (affine.is_signed, affine.zero) = (call.isSigned, call.zero)
      (affine.low, affine.high) = call.bounds
      (affine.outer, affine.channels, affine.inner) = (call.outer, channels, call.inner)
      fi_level_affine_run(
        &affine, try frame.operand(0, as: UInt8.self), try frame.result(0, as: UInt8.self),
        Int32(clamping: threads))
    }
  }
}

extension LevelTable: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    Program(name: Self.name, inPlaceOperands: [0], onOneThread: try body(request))
  }

  func body(_ request: KernelRequest) throws -> ThreadedKernel.Body {
    let (x, table) = (try request.operand(0), try request.operand(1))
    try request.requireResult(x.shape.dims)
    try request.require(
      request.elementSize(x.elementType) == 1 && request.elementSize(table.elementType) == 1
        && table.shape.elementCount == 256, "a table has 256 levels")
    let count = x.shape.elementCount
    return { frame, threads in
      fi_level_table_run(
        try frame.operand(1, as: UInt8.self), try frame.operand(0, as: UInt8.self),
        try frame.result(0, as: UInt8.self), count, Int32(clamping: threads))
    }
  }
}

extension DynamicQuantize: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    if let program = try Conversion.ifNeeded(request, operands: [0: .float32]) { return program }
    return Program(name: Self.name, inPlaceOperands: [], onOneThread: try body(request))
  }

  func body(_ request: KernelRequest) throws -> ThreadedKernel.Body {
    let x = try request.operand(0)
    let count = x.shape.elementCount
    for (index, type) in [(0, ElementType.uint8), (1, .float32), (2, .uint8)] {
      guard let result = request.optionalResult(index) else { continue }
      try request.require(
        result.elementType == type && (index == 0 ? result.shape == x.shape : result.shape.elementCount == 1),
        "result \(index) has another type or shape")
    }
    try request.require(x.elementType == .float32, "floats are quantised")
    return { frame, threads in
      var (scale, zero) = (Float(1), UInt8(0))
      fi_levels_dynamic(
        try frame.operand(0, as: Float.self), frame.optionalResult(0, as: UInt8.self), &scale, &zero, count,
        Int32(clamping: threads))
      frame.optionalResult(1, as: Float.self)?.pointee = scale
      frame.optionalResult(2, as: UInt8.self)?.pointee = zero
    }
  }
}

extension Program {
  fileprivate init(name: String, inPlaceOperands: [Int], onOneThread body: @escaping ThreadedKernel.Body) {
    self.init(name: name, inPlaceOperands: inPlaceOperands) { frame in try body(frame, 1) }
  }
}

extension QuantizedRange {
  /// The range relative to a zero point.
  fileprivate func bounds(around zero: Int) -> (Float, Float) {
    (Float(minimum) - Float(zero), Float(maximum) - Float(zero))
  }
}

extension KernelRequest {
  /// Checks that operands are 8-bit levels, and that the result has the type of the range.
  fileprivate func requireLevels(_ types: [ElementType], _ range: QuantizedRange) throws {
    try require(
      types.allSatisfy { $0 == .int8 || $0 == .uint8 } && result(0).elementType == range.elementType,
      "operands and result should be 8-bit levels")
  }
}
