import Device
import ModelGraph
import Tensors

extension OneHot: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try OneHotProgram.build(axis: axis, request) }
}

/// ONNX `OneHot`: indices, depth, values (off, on).
enum OneHotProgram {
  static func build(axis: Int, _ request: KernelRequest) throws -> Program? {
    let (indices, values, result) = (
      try request.operand(0), try request.operand(2), try request.result(0)
    )
    if let program = try Conversion.ifNeeded(request, operands: [0: .int64]) { return program }
    try request.requireSameType(2)
    try request.require(values.shape.elementCount == 2, "off and on should be two values")
    let axis = try request.axis(axis, rank: result.shape.rank)
    var dims = result.shape.dims
    let depth = dims.remove(at: axis)
    try request.require(dims == indices.shape.dims, "the result should be the indices with an axis more")
    guard let size = request.elementSize(result.elementType) else { return nil }
    let (outer, _, inner) = result.shape.split(at: axis)
    let count = result.shape.elementCount
    return Program(name: "one hot") { frame in
      let chosen = try frame.operand(0, as: Int64.self)
      let values = try frame.operand(2, as: UInt8.self)
      let target = try frame.result(0, as: UInt8.self)
      fill(target, count, size, values)
      for row in 0..<outer {
        for column in 0..<inner {
          let value = Int(chosen[row &* inner &+ column])
          let index = value < 0 ? value &+ depth : value
          // An index out of range has no element that is on.
          guard index >= 0, index < depth else { continue }
          (target + ((row &* depth &+ index) &* inner &+ column) &* size).update(
            from: values + size, count: size)
        }
      }
    }
  }
}
