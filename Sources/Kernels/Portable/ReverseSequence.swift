import Device
import ModelGraph
import Tensors

extension ReverseSequence: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try ReverseSequenceProgram.build(batchFirst: batchFirst, request)
  }
}

/// ONNX `ReverseSequence`: x, lengths.
enum ReverseSequenceProgram {
  static func build(batchFirst: Bool, _ request: KernelRequest) throws -> Program? {
    let operand = try request.operand(0)
    try request.requireSameType(0)
    try request.requireResult(operand.shape.dims)
    let dims = operand.shape.dims
    try request.require(dims.count >= 2, "time and batch are needed")
    guard let size = request.elementSize(operand.elementType), let lengths = try Lengths(request, 1) else {
      return nil
    }
    let (batch, time) = batchFirst ? (dims[0], dims[1]) : (dims[1], dims[0])
    try request.require(lengths.count == batch, "there should be one length for each sequence")
    // No overflow: a shape bounds the product of its dimensions.
    let block = dims[2...].reduce(size, *)
    let (step, line) = batchFirst ? (block, time * block) : (batch * block, block)
    return Program(name: "reverse sequence") { frame in
      let (from, to) = (try frame.operand(0, as: UInt8.self), try frame.result(0, as: UInt8.self))
      for sequence in 0..<batch {
        let length = try lengths.read(frame, at: sequence, in: 0...time)
        let start = sequence &* line
        for place in 0..<time {
          let other = place < length ? length &- 1 &- place : place
          (to + (start &+ place &* step)).update(from: from + (start &+ other &* step), count: block)
        }
      }
    }
  }
}

/// Reads an operand of integers that count elements, which come from outside: each is checked.
struct Lengths: Sendable {
  private let operand: Int
  private let isWide: Bool
  let count: Int
  private let request: KernelRequest

  /// - Returns: `nil` when the operand is of another type than int64 or int32.
  init?(_ request: KernelRequest, _ operand: Int) throws {
    let type = try request.operand(operand).elementType
    guard type == .int64 || type == .int32 else { return nil }
    self.operand = operand
    isWide = type == .int64
    count = try request.operand(operand).shape.elementCount
    self.request = request.withoutElements
  }

  func read(_ frame: Frame, at position: Int, in range: ClosedRange<Int>) throws -> Int {
    let value =
      isWide
      ? Int(try frame.operand(operand, as: Int64.self)[position])
      : Int(try frame.operand(operand, as: Int32.self)[position])
    guard range.contains(value) else {
      throw request.invalid("\(value) is not one of \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }
}
