import Device
import ModelGraph
import Tensors

/// Reads index operands, which come from outside: each index wraps once from the end and is checked.
struct Indices: Sendable {
  private let operand: Int
  private let isWide: Bool
  let count: Int
  private let request: KernelRequest

  /// - Returns: `nil` when the operand is not of an index type.
  init?(_ request: KernelRequest, _ operand: Int) throws {
    let type = try request.operand(operand).elementType
    guard type == .int64 || type == .int32 else { return nil }
    self.operand = operand
    isWide = type == .int64
    count = try request.operand(operand).shape.elementCount
    // Without the immediates: this copy is kept for its names and shapes only.
    self.request = request.withoutElements
  }

  /// Calls `body` with a function that gives the index at a position, as a valid index into `dim` elements.
  @inline(__always)
  func read(_ frame: Frame, _ body: (_ index: (_ position: Int, _ dim: Int) throws -> Int) throws -> Void)
    throws
  {
    if isWide {
      let values = try frame.operand(operand, as: Int64.self)
      try body { position, dim in try checked(Int(values[position]), dim) }
    } else {
      let values = try frame.operand(operand, as: Int32.self)
      try body { position, dim in try checked(Int(values[position]), dim) }
    }
  }

  @inline(__always)
  private func checked(_ value: Int, _ dim: Int) throws -> Int {
    let index = value < 0 ? value &+ dim : value
    guard index >= 0, index < dim else {
      throw request.invalid("the index \(value) is outside an axis of \(dim) elements")
    }
    return index
  }
}

extension KernelRequest {
  /// The request with its immediates' elements left behind, for errors.
  var withoutElements: KernelRequest {
    with(
      operands: operands.map { operand in
        operand.map { Operand(elementType: $0.elementType, shape: $0.shape, layout: $0.layout) }
      })
  }
}
