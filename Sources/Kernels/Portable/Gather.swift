import Device
import ModelGraph
import Tensors

extension Gather: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try GatherProgram.build(axis: axis, request) }
}

/// ONNX `Gather`: data, indices.
enum GatherProgram {
  static func build(axis: Int, _ request: KernelRequest) throws -> Program? {
    let (data, indices) = (try request.operand(0), try request.operand(1))
    try request.requireSameType(0)
    let axis = try request.axis(axis, rank: data.shape.rank)
    var dims = data.shape.dims
    dims.replaceSubrange(axis...axis, with: indices.shape.dims)
    try request.requireResult(dims)
    guard let size = request.elementSize(data.elementType), let reader = try Indices(request, 1) else {
      return nil
    }
    let (outer, count, inner) = data.shape.split(at: axis)
    let bytes = inner * size
    return Program(name: "gather") { frame in
      let source = try frame.operand(0, as: UInt8.self)
      let target = try frame.result(0, as: UInt8.self)
      try reader.read(frame) { index in
        for position in 0..<reader.count {
          let chosen = try index(position, count)
          for row in 0..<outer {
            (target + (row &* reader.count &+ position) &* bytes).update(
              from: source + (row &* count &+ chosen) &* bytes, count: bytes)
          }
        }
      }
    }
  }
}

extension GatherElements: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try GatherElementsProgram.build(axis: axis, request)
  }
}

/// ONNX `GatherElements`: data, indices.
enum GatherElementsProgram {
  static func build(axis: Int, _ request: KernelRequest) throws -> Program? {
    let (data, indices) = (try request.operand(0), try request.operand(1))
    try request.requireSameType(0)
    let axis = try request.axis(axis, rank: data.shape.rank)
    try request.requireResult(indices.shape.dims)
    guard let size = request.elementSize(data.elementType), let reader = try Indices(request, 1) else {
      return nil
    }
    let walk = try ElementIndex(request, data.shape, indices.shape, axis)
    return Program(name: "gather elements") { frame in
      let source = try frame.operand(0, as: UInt8.self)
      let target = try frame.result(0, as: UInt8.self)
      try walk.forEach(reader, frame) { position, offset in
        (target + position &* size).update(from: source + offset &* size, count: size)
      }
    }
  }
}

/// The positions of the elements that `GatherElements` and `ScatterElements` address: equal to the index
/// except along one axis.
struct ElementIndex: Sendable {
  private let walk: Walk
  private let dim: Int
  private let stride: Int
  private let isEmpty: Bool

  init(_ request: KernelRequest, _ data: Shape, _ indices: Shape, _ axis: Int) throws {
    try request.require(data.rank == indices.rank, "data and indices should have one rank")
    for other in data.dims.indices where other != axis {
      try request.require(
        indices.dims[other] <= data.dims[other], "the indices are larger than the data along axis \(other)")
    }
    (dim, stride) = (data.dims[axis], data.strides[axis])
    var strides = data.strides
    strides[axis] = 0
    isEmpty = indices.elementCount == 0
    walk = Walk(isEmpty ? [] : indices.dims, [indices.strides, strides])
  }

  /// Calls `body` with the position in the indices and the element offset in the data.
  @inline(__always)
  func forEach(_ indices: Indices, _ frame: Frame, _ body: (_ position: Int, _ offset: Int) -> Void) throws {
    if isEmpty { return }
    try indices.read(frame) { index in
      try walk.forEach { offset in
        body(offset[0], offset[1] &+ (try index(offset[0], dim)) &* stride)
      }
    }
  }
}

extension GatherND: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try GatherNDProgram.build(batchDimensions: batchDimensions, request)
  }
}

/// ONNX `GatherND`: data, indices.
enum GatherNDProgram {
  static func build(batchDimensions batch: Int, _ request: KernelRequest) throws -> Program? {
    let (data, indices) = (try request.operand(0), try request.operand(1))
    try request.requireSameType(0)
    guard let size = request.elementSize(data.elementType), let reader = try Indices(request, 1) else {
      return nil
    }
    let tuples = try TupleIndex(request, data.shape, indices.shape, batch: batch)
    try request.requireResult(Array(indices.shape.dims.dropLast()) + tuples.sliceDims)
    let bytes = tuples.slice * size
    return Program(name: "gather nd") { frame in
      let source = try frame.operand(0, as: UInt8.self)
      let target = try frame.result(0, as: UInt8.self)
      try tuples.forEach(reader, frame) { position, offset in
        (target + position &* bytes).update(from: source + offset &* size, count: bytes)
      }
    }
  }
}

/// The positions of the slices that `GatherND` and `ScatterND` address: one tuple of indices each.
struct TupleIndex: Sendable {
  /// Elements of a slice, and its dimensions.
  let slice: Int
  let sliceDims: [Int]
  private let dims: [Int]
  private let strides: [Int]
  private let batches: Int
  private let batchStride: Int
  private let tuplesPerBatch: Int

  init(_ request: KernelRequest, _ data: Shape, _ indices: Shape, batch: Int) throws {
    try request.require(
      batch >= 0 && batch < indices.rank && batch <= data.rank, "\(batch) batch dimensions are too many")
    let width = indices.dims.last ?? 0
    try request.require(
      width <= data.rank - batch && Array(data.dims.prefix(batch)) == Array(indices.dims.prefix(batch)),
      "the indices do not fit the data")
    dims = Array(data.dims[batch..<batch + width])
    strides = Array(data.strides[batch..<batch + width])
    sliceDims = Array(data.dims[(batch + width)...])
    slice = sliceDims.reduce(1, *)
    batches = data.dims.prefix(batch).reduce(1, *)
    batchStride = data.dims[batch...].reduce(1, *)
    tuplesPerBatch = indices.dims.dropLast().dropFirst(batch).reduce(1, *)
  }

  /// Calls `body` with the tuple's position and the element offset of its slice in the data.
  @inline(__always)
  func forEach(_ indices: Indices, _ frame: Frame, _ body: (_ position: Int, _ offset: Int) -> Void) throws {
    if slice == 0 { return }
    try indices.read(frame) { index in
      var position = 0
      for batch in 0..<batches {
        for _ in 0..<tuplesPerBatch {
          var offset = batch &* batchStride
          for part in dims.indices {
            offset &+= (try index(position &* dims.count &+ part, dims[part])) &* strides[part]
          }
          body(position, offset)
          position &+= 1
        }
      }
    }
  }
}
