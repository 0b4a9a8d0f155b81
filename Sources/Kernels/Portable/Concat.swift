import Device
import ModelGraph

extension Concat: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try ConcatProgram.build(axis: axis, request) }
}

/// ONNX `Concat`, on bytes.
enum ConcatProgram {
  static func build(axis: Int, _ request: KernelRequest) throws -> Program? {
    let result = try request.result(0)
    let axis = try request.axis(axis, rank: result.shape.rank)
    guard let size = request.elementSize(result.elementType) else { return nil }
    let whole = result.shape.split(at: axis)
    var parts: [(index: Int, rowBytes: Int, start: Int)] = []
    var start = 0
    for index in request.operands.indices {
      let operand = try request.operand(index)
      try request.requireSameType(index)
      var dims = operand.shape.dims
      try request.require(dims.count == result.shape.rank, "operand \(index) has another rank")
      let count = dims[axis]
      dims[axis] = result.shape.dims[axis]
      try request.require(dims == result.shape.dims, "operand \(index) does not fit beside the others")
      let (bytes, overflow) = count.multipliedReportingOverflow(by: whole.inner * size)
      try request.require(!overflow, "operand \(index) is too large")
      parts.append((index, bytes, start))
      (start, _) = start.addingReportingOverflow(bytes)
    }
    let rowBytes = whole.count * whole.inner * size
    try request.require(start == rowBytes, "the operands do not add up to the result")
    let pieces = parts
    let offsets = whole.outer == 1 ? parts.map(\.start) : nil
    return Program(name: "concat", partOffsets: offsets) { frame in
      let target = try frame.result(0, as: UInt8.self)
      for piece in pieces where piece.rowBytes > 0 {
        let source = try frame.operand(piece.index, as: UInt8.self)
        for row in 0..<whole.outer {
          (target + row * rowBytes + piece.start).update(
            from: source + row * piece.rowBytes, count: piece.rowBytes)
        }
      }
    }
  }
}
