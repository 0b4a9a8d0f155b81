import Device
import ModelGraph
import Tensors

extension Cast: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try CastProgram.build(rounding, request) }
}

/// ONNX `Cast`.
enum CastProgram {
  static func build(_ rounding: SmallFloatRounding, _ request: KernelRequest) throws -> Program? {
    let (operand, result) = (try request.operand(0), try request.result(0))
    try request.requireResult(operand.shape.dims)
    guard
      let convert =
        convertLoop(from: operand.elementType, to: result.elementType, rounding)
    else { return nil }
    let count = operand.shape.elementCount
    return Program(
      name: "cast \(operand.elementType) \(result.elementType)",
      inPlaceOperands: operand.elementType.bitWidth == result.elementType.bitWidth ? [0] : []
    ) { frame in
      let (from, to) = (try frame.operand(0, as: UInt8.self), try frame.result(0, as: UInt8.self))
      convert(from, to, count)
    }
  }
}
