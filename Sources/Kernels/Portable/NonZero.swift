import Device
import ModelGraph
import Tensors

extension NonZero: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try NonZeroProgram.build(request) }
}

/// ONNX `NonZero`. The number of results is known beforehand (`countNonZero`): the request has the final
/// shape.
enum NonZeroProgram {
  static func build(_ request: KernelRequest) throws -> Program? {
    let (operand, result) = (try request.operand(0), try request.result(0))
    let rows = max(operand.shape.rank, 1)
    try request.require(
      result.elementType == .int64 && result.shape.rank == 2 && result.shape.dims[0] == rows,
      "the result should be int64, one row for each of the \(rows) axes")
    guard let size = request.elementSize(operand.elementType) else { return nil }
    let (type, shape) = (operand.elementType, operand.shape)
    let (wanted, byteCount) = (result.shape.dims[1], shape.elementCount * size)
    let errors = request.withoutElements
    return Program(name: "non zero") { frame in
      let source = UnsafeRawBufferPointer(
        start: UnsafeRawPointer(try frame.operand(0, as: UInt8.self)), count: byteCount)
      let target = UnsafeMutableBufferPointer(
        start: try frame.result(0, as: Int64.self), count: rows * wanted)
      let found = writeNonZero(source, type, shape, to: target, columns: wanted)
      try errors.require(found == wanted, "\(found) elements are not zero, not \(wanted)")
    }
  }
}
