import Device
import ModelGraph
import Tensors

/// Builds a program for other element types than the request's: operands are converted into scratch memory, the
/// program runs there, and its results are converted back.
///
/// So halves are computed with as floats, and narrow integers as wide ones, which wraps to the same bits.
enum Conversion {
  /// The type that arithmetic on `type` is done in.
  static func arithmeticType(_ type: ElementType) -> ElementType {
    switch type {
    case .float16, .bfloat16: .float32
    case .int8, .int16, .int32, .uint8, .uint16, .uint32, .bool: .int64
    default: type
    }
  }

  /// The type that a fold over elements (a sum, a maximum, an order) is done in: one integer type serves them all.
  /// - Parameter ordered: whether the fold compares or divides, which wrapping does not survive.
  static func foldType(_ type: ElementType, ordered: Bool) -> ElementType? {
    switch type {
    case .float16, .bfloat16, .float32: .float32
    case .float64: .float64
    case .uint64: ordered ? .uint64 : .int64
    case .bool, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32: .int64
    // Stored and cast, but not computed with.
    default: nil
    }
  }

  /// The same for functions that only floating-point numbers have.
  static func realType(_ type: ElementType) -> ElementType { type == .float64 ? .float64 : .float32 }

  /// Converts these operands and results when any of them needs it.
  /// - Returns: `nil` when nothing needs it; the inner optional is `nil` when there is no program for the types.
  static func ifNeeded(
    _ request: KernelRequest, operands: [Int: ElementType] = [:], results: [Int: ElementType] = [:]
  ) throws -> Program?? {
    let needed = operands.contains { request.optionalOperand($0)?.elementType ?? $1 != $1 }
    let wanted = results.contains { request.optionalResult($0)?.elementType ?? $1 != $1 }
    return needed || wanted ? .some(try program(request, operands: operands, results: results)) : nil
  }

  private struct Step {
    var index: Int
    var count: Int
    var offset: Int
    var convert: ConvertLoop
  }

  private static func program(
    _ request: KernelRequest, operands: [Int: ElementType], results: [Int: ElementType]
  ) throws -> Program? {
    var (inner, scratch) = (request, 0)
    func reserve(_ type: ElementType, _ shape: Shape) throws -> Int {
      guard let bytes = type.byteCount(of: shape.elementCount) else { throw request.invalid("too large") }
      defer { scratch += alignedScratch(bytes) }
      return scratch
    }
    var before: [Step] = []
    for (index, type) in operands.sorted(by: { $0.key < $1.key }) {
      guard let operand = request.optionalOperand(index), operand.elementType != type else { continue }
      guard let convert = convertLoop(from: operand.elementType, to: type) else { return nil }
      before.append(
        Step(
          index: index, count: operand.shape.elementCount, offset: try reserve(type, operand.shape),
          convert: convert))
      inner.operands[index]?.elementType = type
      if let tensor = operand.immediate {
        inner.operands[index] = Operand(immediate: try converted(tensor, to: type, convert))
      }
    }
    var after: [Step] = []
    for (index, type) in results.sorted(by: { $0.key < $1.key }) {
      guard let result = request.optionalResult(index), result.elementType != type else { continue }
      guard let convert = convertLoop(from: type, to: result.elementType) else { return nil }
      after.append(
        Step(
          index: index, count: result.shape.elementCount, offset: try reserve(type, result.shape),
          convert: convert))
      inner.results[index]?.elementType = type
    }
    guard var program = try Program.build(inner) else { return nil }
    let (main, start, end) = (program.body, before, after)
    let base = scratch
    // A converted operand is read before anything is written.
    program.inPlaceOperands = program.inPlaceOperands.filter { index in
      request.optionalOperand(index)?.elementType.bitWidth == request.optionalResult(0)?.elementType.bitWidth
    }
    program.aliasedOperand = nil
    program.partOffsets = nil
    program.resultOffsets = nil
    program.name += " in \(inner.results.first.flatMap { $0 }?.elementType ?? .float32)"
    program.scratchBytes = base + program.scratchBytes
    program.body = { frame in
      let scratch = try frame.scratch(as: UInt8.self)
      let memory = UnsafeMutableRawPointer(scratch)
      var inner = frame
      inner.scratch = memory + base
      for step in start {
        step.convert(try frame.operand(step.index, as: UInt8.self), memory + step.offset, step.count)
        inner.operands[step.index] = UnsafeRawPointer(memory + step.offset)
      }
      for step in end where frame.results[step.index] != nil {
        inner.results[step.index] = memory + step.offset
      }
      try main(inner)
      for step in end where frame.results[step.index] != nil {
        step.convert(memory + step.offset, try frame.result(step.index, as: UInt8.self), step.count)
      }
    }
    return program
  }

  private static func converted(_ tensor: Tensor, to type: ElementType, _ convert: ConvertLoop) throws
    -> Tensor
  {
    let aligned = try Tensor(elementType: tensor.elementType, shape: tensor.shape) { memory in
      tensor.withUnsafeBytes { memory.copyMemory(from: $0) }
    }
    return try Tensor(elementType: type, shape: tensor.shape) { memory in
      aligned.withUnsafeBytes { bytes in
        guard let from = bytes.baseAddress, let to = memory.baseAddress else { return }
        convert(from, to, tensor.shape.elementCount)
      }
    }
  }
}
