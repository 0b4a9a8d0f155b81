import Device
import ModelGraph
import Tensors

/// ONNX `NonZero`. The number of results is known beforehand (`countNonZero`): the request has the final
/// shape.
enum NonZeroProgram {
  static func build(_ request: KernelRequest) throws -> Program? {
    let (operand, result) = (try request.operand(0), try request.result(0))
    let rank = operand.shape.rank
    try request.require(
      result.elementType == .int64 && result.shape.rank == 2 && result.shape.dims[0] == rank,
      "the result should be int64, one row for each of the \(rank) axes")
    guard let test = convertLoop(from: operand.elementType, to: .bool) else { return nil }
    let (dims, strides) = (operand.shape.dims, operand.shape.strides)
    let (total, wanted, size) = (
      operand.shape.elementCount, result.shape.dims[1], operand.elementType.bitWidth / 8
    )
    guard size > 0 else { return nil }
    let errors = request.withoutElements
    return Program(name: "non zero", scratchBytes: alignedScratch(chunk)) { frame in
      let source = UnsafeRawPointer(try frame.operand(0, as: UInt8.self))
      let target = try frame.result(0, as: Int64.self)
      let truths = try frame.scratch(as: UInt8.self)
      var (found, start) = (0, 0)
      while start < total {
        let count = min(chunk, total - start)
        test(source + start * size, truths, count)
        for index in 0..<count where truths[index] != 0 {
          guard found < wanted else { throw errors.invalid("more than \(wanted) elements are not zero") }
          for axis in 0..<rank {
            target[axis * wanted + found] = Int64((start + index) / strides[axis] % dims[axis])
          }
          found += 1
        }
        start += count
      }
      try errors.require(found == wanted, "\(found) elements are not zero, not \(wanted)")
    }
  }

  /// Elements that are looked at in one go.
  private static let chunk = 4096
}
