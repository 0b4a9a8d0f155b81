import Device
import ModelGraph
import Tensors

/// Numbers that steer a kernel (scales, regions): known when the plan is made, or read in each call.
struct RealParameter: Steering {
  private let index: Int
  private let count: Int
  private let isWide: Bool
  let known: [Double]?

  /// The operand `index` of the request; `nil` when it is left out or empty.
  init?(_ request: KernelRequest, _ index: Int) throws {
    guard let operand = request.optionalOperand(index), operand.shape.elementCount > 0 else { return nil }
    try request.require(
      operand.elementType == .float32 || operand.elementType == .float64,
      "operand \(index) should hold float32 or float64")
    try request.require(
      operand.shape.elementCount <= 2 * Shape.maximumRank, "operand \(index) holds too many numbers")
    self.index = index
    count = operand.shape.elementCount
    let isWide = operand.elementType == .float64
    self.isWide = isWide
    known = try operand.immediate.map { tensor in
      isWide ? try tensor.elements(as: Double.self) : try tensor.elements(as: Float.self).map { Double($0) }
    }
  }

  /// The numbers of this call.
  func values(_ frame: Frame) throws -> [Double] {
    if let known { return known }
    if isWide {
      let numbers = try frame.operand(index, as: Double.self)
      return (0..<count).map { numbers[$0] }
    }
    let numbers = try frame.operand(index, as: Float.self)
    return (0..<count).map { Double(numbers[$0]) }
  }
}
