import CElements
import Device
import ModelGraph
import Tensors

extension IntegerMatrixMultiply: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try IntegerMatrixMultiplyProgram.build(self, request)
  }
}

/// A product of matrices of 8-bit integers, exact on every machine: for those whose instructions for bytes saturate, and for
/// operands that the kernel library does not take.
enum IntegerMatrixMultiplyProgram {
  static func build(_ multiply: IntegerMatrixMultiply, _ request: KernelRequest) throws -> Program? {
    let a = try Side(request, operand: 0, isTransposed: multiply.transposeA)
    let b = try Side(request, operand: 1, isTransposed: !multiply.transposeB)
    let (left, right) = (try a.widened(request, operand: 0), try b.widened(request, operand: 1))
    try request.require(a.depth == b.depth, "\(a.depth) columns do not meet \(b.depth) rows")
    let rank = max(a.batches.count, b.batches.count)
    let batches = try (0..<rank).map { axis in
      let x = axis < rank - a.batches.count ? 1 : a.batches[axis - (rank - a.batches.count)]
      let y = axis < rank - b.batches.count ? 1 : b.batches[axis - (rank - b.batches.count)]
      try request.require(x == y || x == 1 || y == 1, "the batches \(x) and \(y) do not broadcast")
      return x == 1 ? y : x
    }
    try request.requireResult(batches + (a.isVector ? [] : [a.count]) + (b.isVector ? [] : [b.count]))
    let (rows, columns, depth) = (a.count, b.count, a.depth)
    let walk = Walk(
      batches,
      [
        denseStrides(batches).map { $0 * max(rows * columns, 1) }, a.strides(of: batches),
        b.strides(of: batches),
      ])
    let count = try request.result(0).shape.elementCount
    let epilogue = try ProductEpilogue(
      request, multiply.result, outer: columns == 0 ? 0 : count / columns, channels: columns, inner: 1)
    let sumsAt = left.scratchBytes + right.scratchBytes
    var program = Program(name: "integer matmul", isReference: true) { frame in
      let first = try frame.scratch(as: Int16.self)
      let second = try frame.scratch(at: left.scratchBytes, as: Int16.self)
      let sums =
        try epilogue.isInPlace
        ? frame.result(0, as: Int32.self) : frame.scratch(at: sumsAt, as: Int32.self)
      try left.fill(frame, first)
      try right.fill(frame, second)
      walk.forEach { offset in
        for row in 0..<rows {
          fi_integer_products(
            first + (offset[1] &+ row &* depth), second + offset[2], Int64(columns), Int64(depth),
            sums + (offset[0] &+ row &* columns))
        }
      }
      try epilogue.run(frame, sums)
    }
    program.scratchBytes = sumsAt + (epilogue.isInPlace ? 0 : alignedScratch(count * 4))
    return program
  }
}

/// One operand of a product of matrices: vectors of the depth, of which a matrix has `count`, one behind the other.
private struct Side {
  let batches: [Int]
  let count: Int
  let depth: Int
  let isVector: Bool
  private let isTransposed: Bool

  /// - Parameter isTransposed: true if the vectors are the columns.
  init(_ request: KernelRequest, operand: Int, isTransposed: Bool) throws {
    let dims = try request.operand(operand).shape.dims
    try request.require(!dims.isEmpty, "a scalar is no matrix")
    isVector = dims.count == 1
    self.isTransposed = isTransposed && !isVector
    batches = Array(dims.dropLast(2))
    let (first, last) = (isVector ? 1 : dims[dims.count - 2], dims[dims.count - 1])
    (count, depth) = self.isTransposed ? (last, first) : (first, last)
  }

  /// The operand with its vectors in memory one behind the other.
  func widened(_ request: KernelRequest, operand: Int) throws -> WideOperand {
    let matrix = isVector ? [1] : isTransposed ? [1, depth] : [depth, 1]
    let strides = denseStrides(batches).map { $0 * max(count * depth, 1) } + matrix
    var zeroStrides = [Int](repeating: 0, count: strides.count)
    if let zero = request.optionalOperand(operand + 2) {
      let (dims, own) = (try request.operand(operand).shape.dims, zero.shape.dims)
      let missing = dims.count - own.count
      if zero.shape.elementCount != 1 {
        try request.require(
          missing >= 0 && zip(own, dims.dropFirst(max(missing, 0))).allSatisfy { $0 == 1 || $0 == $1 },
          "the zero point \(own) does not broadcast to \(dims)")
        for (axis, stride) in denseStrides(own).enumerated() where own[axis] != 1 {
          zeroStrides[missing + axis] = stride
        }
      }
    }
    return try WideOperand(
      request, operand: operand, zero: operand + 2, strides: strides, zeroStrides: zeroStrides)
  }

  /// Steps along the batches of the product.
  func strides(of all: [Int]) -> [Int] {
    let missing = all.count - batches.count
    let strides = denseStrides(batches)
    return all.indices.map { axis in
      axis < missing || batches[axis - missing] == 1 ? 0 : strides[axis - missing] * max(count * depth, 1)
    }
  }
}
