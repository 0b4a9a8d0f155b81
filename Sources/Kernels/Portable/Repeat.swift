import Device
import ModelGraph

extension Expand: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try ExpandProgram.build(request) }
}

/// ONNX `Expand`: the result's shape says how far.
enum ExpandProgram {
  static func build(_ request: KernelRequest) throws -> Program? {
    let (operand, result) = (try request.operand(0), try request.result(0))
    try request.requireSameType(0)
    guard let size = request.elementSize(operand.elementType) else { return nil }
    let dims = result.shape.dims
    let copy = StridedCopy(
      dims, source: try request.broadcastStrides(of: operand.shape, to: result.shape),
      target: denseStrides(dims), elementSize: size)
    return Program(name: "expand") { frame in
      copy.run(from: try frame.operand(0, as: UInt8.self), to: try frame.result(0, as: UInt8.self))
    }
  }
}

extension Tile: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try TileProgram.build(request) }
}

/// ONNX `Tile`: every axis becomes two, the repeats (which step nowhere) and the axis itself.
enum TileProgram {
  static func build(_ request: KernelRequest) throws -> Program? {
    let (operand, result) = (try request.operand(0), try request.result(0))
    try request.requireSameType(0)
    guard let size = request.elementSize(operand.elementType) else { return nil }
    try request.require(operand.shape.rank == result.shape.rank, "a tiled tensor keeps its rank")
    let strides = operand.shape.strides
    var (dims, source): ([Int], [Int]) = ([], [])
    for (axis, dim) in operand.shape.dims.enumerated() {
      let total = result.shape.dims[axis]
      try request.require(
        dim == 0 ? total == 0 : total % dim == 0, "axis \(axis) is no multiple of the operand's")
      dims += [dim == 0 ? 0 : total / dim, dim]
      source += [0, strides[axis]]
    }
    let copy = StridedCopy(dims, source: source, target: denseStrides(dims), elementSize: size)
    return Program(name: "tile") { frame in
      copy.run(from: try frame.operand(0, as: UInt8.self), to: try frame.result(0, as: UInt8.self))
    }
  }
}
