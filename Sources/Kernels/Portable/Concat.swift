import Device
import ModelGraph

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
    return Program(name: "concat") { frame in
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

/// ONNX `Split`, on bytes. The results' shapes say where.
enum SplitProgram {
  static func build(axis: Int, _ request: KernelRequest) throws -> Program? {
    let operand = try request.operand(0)
    let axis = try request.axis(axis, rank: operand.shape.rank)
    guard let size = request.elementSize(operand.elementType) else { return nil }
    let whole = operand.shape.split(at: axis)
    // An unused result still takes its part: all sizes are needed, from the operand when a result is not there.
    let known = try Parameter(request, 1)?.known
    var counts: [Int] = []
    for index in request.results.indices {
      if let result = request.results[index] {
        var dims = result.shape.dims
        try request.require(dims.count == operand.shape.rank, "result \(index) has another rank")
        counts.append(dims[axis])
        dims[axis] = operand.shape.dims[axis]
        try request.require(dims == operand.shape.dims, "result \(index) is not a part of the operand")
        try request.requireSameType(0, result: index)
      } else if let known {
        try request.require(known.indices.contains(index) && known[index] >= 0, "no size for part \(index)")
        counts.append(known[index])
      } else {
        // Equal parts; the last one may be smaller.
        let parts = request.results.count
        try request.require(request.optionalOperand(1) == nil, "no size for the unused part \(index)")
        let equal = (whole.count + parts - 1) / parts
        counts.append(max(0, min(equal, whole.count - index * equal)))
      }
    }
    var parts: [(index: Int, rowBytes: Int, start: Int)] = []
    var start = 0
    for (index, count) in counts.enumerated() {
      try request.require(count <= whole.count - start, "the parts are larger than the operand")
      if request.results[index] != nil {
        parts.append((index, count * whole.inner * size, start * whole.inner * size))
      }
      start += count
    }
    let (pieces, rowBytes) = (parts, whole.count * whole.inner * size)
    return Program(name: "split") { frame in
      let source = try frame.operand(0, as: UInt8.self)
      for piece in pieces where piece.rowBytes > 0 {
        let target = try frame.result(piece.index, as: UInt8.self)
        for row in 0..<whole.outer {
          (target + row * piece.rowBytes).update(
            from: source + row * rowBytes + piece.start, count: piece.rowBytes)
        }
      }
    }
  }
}
