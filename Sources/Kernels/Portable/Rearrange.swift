import Device
import ModelGraph

extension Transpose: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try RearrangeProgram.transpose(permutation, request)
  }
}

extension DepthToSpace: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try RearrangeProgram.depthToSpace(blockSize, columnRowDepth: columnRowDepth, request)
  }
}

extension SpaceToDepth: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try RearrangeProgram.spaceToDepth(blockSize, request)
  }
}

/// Ops that are a reshape, a permutation of axes and a reshape again.
enum RearrangeProgram {
  static func transpose(_ permutation: [Int], _ request: KernelRequest) throws -> Program? {
    let dims = try request.operand(0).shape.dims
    let permutation = permutation.isEmpty ? Array(dims.indices.reversed()) : permutation
    try request.require(
      permutation.sorted() == Array(dims.indices), "\(permutation) is no permutation of the axes")
    try request.requireResult(permutation.map { dims[$0] })
    return try program("transpose", dims, permutation, request)
  }

  static func depthToSpace(_ block: Int, columnRowDepth: Bool, _ request: KernelRequest) throws -> Program? {
    let dims = try request.operand(0).shape.dims
    try request.require(
      dims.count == 4 && block > 0 && block <= 1 << 15, "a 4-D image and a block are needed")
    let depth = dims[1] / (block * block)
    try request.require(depth * block * block == dims[1], "the channels are not divisible by the block")
    try request.requireResult([dims[0], depth, dims[2] * block, dims[3] * block])
    return columnRowDepth
      ? try program(
        "depth to space", [dims[0], depth, block, block, dims[2], dims[3]], [0, 1, 4, 2, 5, 3], request)
      : try program(
        "depth to space", [dims[0], block, block, depth, dims[2], dims[3]], [0, 3, 4, 1, 5, 2], request)
  }

  static func spaceToDepth(_ block: Int, _ request: KernelRequest) throws -> Program? {
    let dims = try request.operand(0).shape.dims
    try request.require(
      dims.count == 4 && block > 0 && block <= 1 << 15, "a 4-D image and a block are needed")
    let (height, width) = (dims[2] / block, dims[3] / block)
    try request.require(
      height * block == dims[2] && width * block == dims[3], "the image is not divisible by the block")
    let result = try request.result(0).shape.dims
    try request.require(
      result.count == 4 && result[0] == dims[0] && result[2] == height && result[3] == width
        && result[1] / (block * block) == dims[1] && result[1] % (block * block) == 0,
      "the result should be blocks by height by width")
    return try program(
      "space to depth", [dims[0], dims[1], height, block, width, block], [0, 3, 5, 1, 2, 4], request)
  }

  private static func program(
    _ name: String, _ dims: [Int], _ permutation: [Int], _ request: KernelRequest
  ) throws -> Program? {
    try request.requireSameType(0)
    guard let size = request.elementSize(try request.operand(0).elementType) else { return nil }
    let strides = denseStrides(dims)
    let permuted = permutation.map { dims[$0] }
    let copy = StridedCopy(
      permuted, source: permutation.map { strides[$0] }, target: denseStrides(permuted), elementSize: size)
    return Program(name: name) { frame in
      copy.run(from: try frame.operand(0, as: UInt8.self), to: try frame.result(0, as: UInt8.self))
    }
  }
}
