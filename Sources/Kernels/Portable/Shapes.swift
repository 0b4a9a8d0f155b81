import Device
import ModelGraph
import Tensors

extension ShapeOf: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try ShapeProgram.build(start: start, end: end, request)
  }
}

extension SizeOf: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try ShapeProgram.size(request) }
}

/// ONNX `Shape` and `Size`: known from the request, whatever the operand's elements are.
enum ShapeProgram {
  static func build(start: Int, end: Int?, _ request: KernelRequest) throws -> Program? {
    let dims = try request.operand(0).shape.dims
    func clamped(_ index: Int) -> Int {
      min(max(index < 0 ? index.addingReportingOverflow(dims.count).partialValue : index, 0), dims.count)
    }
    let (first, last) = (clamped(start), clamped(end ?? dims.count))
    return try program("shape", first < last ? Array(dims[first..<last]) : [], request)
  }

  static func size(_ request: KernelRequest) throws -> Program? {
    try program("size", [try request.operand(0).shape.elementCount], request)
  }

  private static func program(_ name: String, _ numbers: [Int], _ request: KernelRequest) throws -> Program? {
    let result = try request.result(0)
    try request.require(
      result.elementType == .int64 && result.shape.elementCount == numbers.count,
      "the result should be \(numbers.count) numbers of type int64")
    return Program(name: name) { frame in
      let target = try frame.result(0, as: Int64.self)
      for (index, number) in numbers.enumerated() { target[index] = Int64(number) }
    }
  }
}

extension ConstantOfShape: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try ConstantOfShapeProgram.build(value, request)
  }
}

/// ONNX `ConstantOfShape`: the result's shape says how much.
enum ConstantOfShapeProgram {
  static func build(_ value: Tensor, _ request: KernelRequest) throws -> Program? {
    let result = try request.result(0)
    try request.require(
      value.elementType == result.elementType && value.shape.elementCount == 1,
      "the value should be one element of the result's type")
    let bytes = value.withUnsafeBytes { Array($0) }
    let count = result.shape.elementCount
    guard let size = request.elementSize(value.elementType) else {
      return bytes.first.map { packed($0, bits: value.elementType.bitWidth, count) }
    }
    return Program(name: "constant of shape") { frame in
      let target = try frame.result(0, as: UInt8.self)
      bytes.withUnsafeBufferPointer { fill(target, count, size, $0.baseAddress) }
    }
  }

  /// Elements that share bytes. The bits behind the last one are 0.
  private static func packed(_ byte: UInt8, bits: Int, _ count: Int) -> Program {
    let perByte = 8 / bits
    let element = byte & (1 << bits - 1)
    let pattern = (0..<perByte).reduce(0) { $0 | element << ($1 * bits) }
    let (whole, rest) = (count / perByte, count % perByte)
    return Program(name: "constant of shape") { frame in
      let target = try frame.result(0, as: UInt8.self)
      target.update(repeating: pattern, count: whole)
      if rest > 0 { target[whole] = pattern & (1 << (rest * bits) - 1) }
    }
  }
}

extension NumberRange: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try RangeProgram.build(request) }
}

/// ONNX `Range`: start, limit, delta. The result's shape says how many.
enum RangeProgram {
  static func build(_ request: KernelRequest) throws -> Program? {
    let result = try request.result(0)
    for index in 0..<3 {
      try request.requireSameType(index)
      try request.require(
        try request.operand(index).shape.elementCount == 1, "start, limit and delta should be one number each"
      )
    }
    guard let wide = Conversion.foldType(result.elementType, ordered: false) else { return nil }
    if let program = try Conversion.ifNeeded(
      request, operands: [0: wide, 1: wide, 2: wide], results: [0: wide])
    {
      return program
    }
    let count = result.shape.elementCount
    switch result.elementType {
    case .float32: return program(Float.self, count)
    case .float64: return program(Double.self, count)
    case .int64: return program(Int64.self, count)
    default: return nil
    }
  }

  private static func program<Element: Number>(_ type: Element.Type, _ count: Int) -> Program {
    Program(name: "range") { frame in
      let (start, delta) = (try frame.operand(0, as: type)[0], try frame.operand(2, as: type)[0])
      let target = try frame.result(0, as: type)
      for index in 0..<count {
        target[index] = Element.sum(start, Element.product(Element(converting: Int64(index)), delta))
      }
    }
  }
}
