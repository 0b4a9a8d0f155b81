import Device
import ModelGraph
import Tensors

extension BlockDequantize: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try BlockDequantizeProgram.build(self, request)
  }
}

/// Levels, scales, zero points (optional) to floats.
enum BlockDequantizeProgram {
  static func build(_ op: BlockDequantize, _ request: KernelRequest) throws -> Program? {
    var wide: [Int: ElementType] = [1: .float32]
    let isPacked = request.optionalOperand(2).map { $0.elementType == .uint8 } ?? true
    if !isPacked { wide[2] = .float32 }
    if let program = try Conversion.ifNeeded(request, operands: wide, results: [0: .float32]) {
      return program
    }
    try request.requireResult([op.rows, op.columns])
    try request.require(
      (op.bits == 4 || op.bits == 8) && op.blockSize > 0, "blocks of \(op.blockSize) levels")
    let levels = try request.operand(0)
    try request.require(levels.elementType == .uint8, "the levels should be uint8")
    let blocks = op.columns / op.blockSize + (op.columns % op.blockSize == 0 ? 0 : 1)
    // A size as it is stored; a damaged one is no number of elements.
    func bytes(_ count: Int) -> Int { op.bits == 8 ? count : count / 2 + count % 2 }
    let blob = bytes(op.blockSize)
    func size(_ factors: Int...) -> Int? {
      factors.reduce(1) { (product: Int?, factor) in
        product.map { $0.multipliedReportingOverflow(by: factor) }.flatMap {
          $0.overflow ? nil : $0.partialValue
        }
      }
    }
    try request.require(
      levels.shape.elementCount == size(op.rows, blocks, blob),
      "the levels are \(levels.shape.elementCount) bytes")
    try request.require(
      try request.operand(1).shape.elementCount == size(op.rows, blocks),
      "the scales are not one for each block")
    let zeroRow = isPacked ? bytes(blocks) : blocks
    if let zero = request.optionalOperand(2) {
      try request.require(
        zero.shape.elementCount == size(op.rows, zeroRow), "the zero points are not one for each block")
    }
    return Program(name: "dequantize blocks") { frame in
      let source = try frame.operand(0, as: UInt8.self)
      let scale = try frame.operand(1, as: Float.self)
      let target = try frame.result(0, as: Float.self)
      let packed = isPacked ? frame.optional(2, as: UInt8.self) : nil
      let loose = isPacked ? nil : frame.optional(2, as: Float.self)
      for row in 0..<op.rows {
        for block in 0..<blocks {
          let index = row &* blocks &+ block
          let zero: Float
          if let packed {
            zero = Float(level(packed + row &* zeroRow, block, op.bits))
          } else {
            zero = loose?[index] ?? (op.bits == 4 ? 8 : 128)
          }
          let first = block &* op.blockSize
          expand(
            source + index &* blob, target + (row &* op.columns &+ first),
            min(op.blockSize, op.columns &- first), op.bits, zero, scale[index])
        }
      }
    }
  }

  @inline(__always) private static func level(_ bytes: UnsafePointer<UInt8>, _ index: Int, _ bits: Int)
    -> UInt8
  {
    bits == 8 ? bytes[index] : bytes[index >> 1] >> (index & 1 == 0 ? 0 : 4) & 0xf
  }

  private static func expand(
    _ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<Float>, _ count: Int, _ bits: Int,
    _ zero: Float, _ scale: Float
  ) {
    if bits == 8 {
      for index in 0..<count { target[index] = (Float(source[index]) - zero) * scale }
      return
    }
    for pair in 0..<count / 2 {
      let byte = source[pair]
      target[2 &* pair] = (Float(byte & 0xf) - zero) * scale
      target[2 &* pair &+ 1] = (Float(byte >> 4) - zero) * scale
    }
    if count % 2 == 1 { target[count &- 1] = (Float(source[count / 2] & 0xf) - zero) * scale }
  }
}
