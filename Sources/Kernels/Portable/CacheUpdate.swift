import Device
import ModelGraph
import Tensors

extension CacheUpdate: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try CacheUpdateProgram.build(axis: axis, circular: circular, request)
  }
}

/// ONNX `TensorScatter`: cache, update, starts (optional).
enum CacheUpdateProgram {
  static func build(axis: Int, circular: Bool, _ request: KernelRequest) throws -> Program? {
    let cache = try request.operand(0)
    try request.requireSameType(0)
    try request.requireSameType(1)
    try request.requireResult(cache.shape.dims)
    let axis = try request.axis(axis, rank: cache.shape.rank)
    try request.require(axis > 0, "the axis should not be that of the batch")
    let (outer, room, inner) = cache.shape.split(at: axis)
    var dims = try request.operand(1).shape.dims
    try request.require(dims.count == cache.shape.rank, "cache and update should have the same axes")
    let count = dims[axis]
    dims[axis] = room
    try request.require(
      dims == cache.shape.dims && count <= room, "the update does not fit into the cache")
    guard let size = request.elementSize(cache.elementType) else { return nil }
    var starts: Lengths?
    if request.optionalOperand(2) != nil {
      guard let lengths = try Lengths(request, 2) else { return nil }
      try request.require(lengths.count == dims[0], "there should be one start for each image")
      starts = lengths
    }
    let places = starts
    let linesAnImage = dims[0] == 0 ? 0 : outer / dims[0]
    let block = inner * size
    return Program(name: "cache update", inPlaceOperands: request.inPlace(0)) { frame in
      let (from, to) = (try frame.operand(0, as: UInt8.self), try frame.result(0, as: UInt8.self))
      let update = try frame.operand(1, as: UInt8.self)
      if from != UnsafePointer(to) { to.update(from: from, count: outer &* room &* block) }
      for line in 0..<outer {
        let first =
          try places?.read(frame, at: line / linesAnImage, in: 0...(circular ? .max : room &- count)) ?? 0
        let start = circular && room > 0 ? first % room : first
        // Behind the end it goes on from the start.
        let head = min(count, room &- start)
        let (source, target) = (update + line &* count &* block, to + line &* room &* block)
        (target + start &* block).update(from: source, count: head &* block)
        target.update(from: source + head &* block, count: (count &- head) &* block)
      }
    }
  }
}
