import Device
import ModelGraph

extension BitCast: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try BitCastProgram.build(request) }
}

/// ONNX `BitCast`: the bytes of the operand.
enum BitCastProgram {
  static func build(_ request: KernelRequest) throws -> Program? {
    let (operand, result) = (try request.operand(0), try request.result(0))
    try request.requireResult(operand.shape.dims)
    try request.require(
      operand.elementType.bitWidth == result.elementType.bitWidth,
      "the types of operand and result should be equally wide")
    guard let bytes = operand.elementType.byteCount(of: operand.shape.elementCount) else { return nil }
    return Program(name: "bit cast", inPlaceOperands: [0]) { frame in
      let (from, to) = (try frame.operand(0, as: UInt8.self), try frame.result(0, as: UInt8.self))
      if from != UnsafePointer(to) { to.update(from: from, count: bytes) }
    }
  }
}
