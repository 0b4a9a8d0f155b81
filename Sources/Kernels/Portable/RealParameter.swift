import Device
import ModelGraph
import Tensors

/// Numbers that steer a kernel (scales, regions, sizes): known when the plan is made, or read in each call.
struct RealParameter: Steering {
  private let index: Int
  private let count: Int
  private let convert: ConvertLoop
  let known: [Double]?

  /// The operand `index` of the request; `nil` when it is left out or empty.
  init?(_ request: KernelRequest, _ index: Int) throws {
    guard let operand = request.optionalOperand(index), operand.shape.elementCount > 0 else { return nil }
    guard operand.elementType.bitWidth >= 8,
      let convert = convertLoop(from: operand.elementType, to: .float64)
    else { throw request.invalid("operand \(index) should hold numbers") }
    let count = operand.shape.elementCount
    try request.require(count <= 2 * Shape.maximumRank, "operand \(index) holds too many numbers")
    (self.index, self.count, self.convert) = (index, count, convert)
    known = try operand.immediate.map { tensor in
      let wide = try Tensor(elementType: .float64, shape: tensor.shape) { memory in
        // Copied first: an immediate's own bytes may be unaligned.
        let aligned = try TensorBuffer(byteCount: tensor.byteCount) { copy in
          tensor.withUnsafeBytes { copy.copyMemory(from: $0) }
        }
        guard let from = aligned.bytes.baseAddress, let to = memory.baseAddress else { return }
        withExtendedLifetime(aligned) { convert(from, to, count) }
      }
      return try wide.elements(as: Double.self)
    }
  }

  /// The numbers of this call.
  func values(_ frame: Frame) throws -> [Double] {
    if let known { return known }
    let numbers = try frame.operand(index, as: UInt8.self)
    return [Double](unsafeUninitializedCapacity: count) { memory, initialized in
      guard let target = memory.baseAddress else { return }
      convert(numbers, target, count)
      initialized = count
    }
  }
}
