import Device
import ModelGraph

extension Split: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try SplitProgram.build(axis: axis, request) }
}

/// ONNX `Split`, on bytes: x, sizes (optional: equal parts, the last one may be smaller).
enum SplitProgram {
  /// One result: its index, the bytes it takes of every row of the operand, and from where on.
  private struct Part: Sendable {
    var index: Int
    var rowBytes: Int
    var start: Int
  }

  static func build(axis: Int, _ request: KernelRequest) throws -> Program? {
    let operand = try request.operand(0)
    let axis = try request.axis(axis, rank: operand.shape.rank)
    guard let size = request.elementSize(operand.elementType) else { return nil }
    for (index, result) in request.results.enumerated() {
      guard let result else { continue }
      var dims = result.shape.dims
      try request.require(dims.count == operand.shape.rank, "result \(index) has another rank")
      dims[axis] = operand.shape.dims[axis]
      try request.require(dims == operand.shape.dims, "result \(index) is not a part of the operand")
      try request.requireSameType(0, result: index)
    }
    let whole = operand.shape.split(at: axis)
    let deferred = try Deferred([try Parameter(request, 1)]) { values in
      let counts = try values[0] ?? equalParts(whole.count, request)
      return try parts(counts, axis, whole.inner * size, request)
    }
    let rowBytes = whole.count * whole.inner * size
    return Program(
      name: "split", resultOffsets: whole.outer == 1 ? deferred.known.map { offsets(of: $0, request) } : nil
    ) { frame in
      let source = try frame.operand(0, as: UInt8.self)
      for part in try deferred.plan(frame) where part.rowBytes > 0 {
        let target = try frame.result(part.index, as: UInt8.self)
        for row in 0..<whole.outer {
          (target + row * part.rowBytes).update(
            from: source + row * rowBytes + part.start, count: part.rowBytes)
        }
      }
    }
  }

  /// Returns the offset of each result in an operand of one row.
  private static func offsets(of parts: [Part], _ request: KernelRequest) -> [Int] {
    var offsets = request.results.map { _ in 0 }
    for part in parts { offsets[part.index] = part.start }
    return offsets
  }

  private static func equalParts(_ count: Int, _ request: KernelRequest) throws -> [Int] {
    let parts = request.results.count
    try request.require(parts > 0, "there are no parts")
    let equal = (count + parts - 1) / parts
    return (0..<parts).map { max(0, min(equal, count - $0 * equal)) }
  }

  /// The parts that are used. Unused ones take their place too.
  private static func parts(_ counts: [Int], _ axis: Int, _ bytes: Int, _ request: KernelRequest) throws
    -> [Part]
  {
    let total = try request.operand(0).shape.dims[axis]
    try request.require(counts.count == request.results.count, "a size is needed for each part")
    var (parts, start): ([Part], Int) = ([], 0)
    for (index, count) in counts.enumerated() {
      try request.require(count >= 0 && count <= total - start, "the parts are larger than the operand")
      if let result = request.results[index] {
        try request.require(
          result.shape.dims[axis] == count,
          "part \(index) has \(count) elements, not \(result.shape.dims[axis])")
        parts.append(Part(index: index, rowBytes: count * bytes, start: start * bytes))
      }
      start += count
    }
    return parts
  }
}
