import Device
import ModelGraph
import Tensors

extension Inverse: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try InverseProgram.build(request) }
}

/// ONNX Runtime's `Inverse`, by elimination with pivots from the column, in doubles. A singular matrix gives elements that are
/// not finite.
///
/// `https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.Inverse`
enum InverseProgram {
  static func build(_ request: KernelRequest) throws -> Program? {
    let operand = try request.operand(0)
    guard operand.elementType.isFloatingPoint else { return nil }
    if let program = try Conversion.ifNeeded(request, operands: [0: .float64], results: [0: .float64]) {
      return program
    }
    let dims = operand.shape.dims
    try request.require(dims.count >= 2, "a matrix is needed")
    let size = dims[dims.count - 1]
    try request.require(size == dims[dims.count - 2], "the matrices should be square")
    try request.requireResult(dims)
    let matrices = dims.dropLast(2).reduce(1, *)
    let (count, overflow) = size.multipliedReportingOverflow(by: size)
    guard !overflow, let bytes = ElementType.float64.byteCount(of: count) else {
      throw request.invalid("too large")
    }
    return Program(name: "inverse", scratchBytes: alignedScratch(bytes)) { frame in
      let (source, target) = (try frame.operand(0, as: Double.self), try frame.result(0, as: Double.self))
      let matrix = try frame.scratch(as: Double.self)
      for index in 0..<matrices {
        matrix.update(from: source + index &* count, count: count)
        invert(matrix, into: target + index &* count, size)
      }
    }
  }

  /// Destroys the matrix.
  private static func invert(
    _ matrix: UnsafeMutablePointer<Double>, into result: UnsafeMutablePointer<Double>, _ size: Int
  ) {
    for row in 0..<size {
      for column in 0..<size { result[row &* size &+ column] = row == column ? 1 : 0 }
    }
    for step in 0..<size {
      let pivot = pivotRow(matrix, step, size)
      if pivot != step {
        swapRows(matrix, pivot, step, size)
        swapRows(result, pivot, step, size)
      }
      let divisor = matrix[step &* size &+ step]
      for column in 0..<size {
        matrix[step &* size &+ column] /= divisor
        result[step &* size &+ column] /= divisor
      }
      for row in 0..<size where row != step {
        let factor = matrix[row &* size &+ step]
        for column in 0..<size {
          matrix[row &* size &+ column] -= factor * matrix[step &* size &+ column]
          result[row &* size &+ column] -= factor * result[step &* size &+ column]
        }
      }
    }
  }

  /// The row with the largest element of column `step`, from row `step` on; a NaN counts as the largest.
  private static func pivotRow(_ matrix: UnsafeMutablePointer<Double>, _ step: Int, _ size: Int) -> Int {
    var pivot = step
    for row in step..<size {
      let candidate = matrix[row &* size &+ step].magnitude
      if candidate > matrix[pivot &* size &+ step].magnitude || candidate.isNaN { pivot = row }
    }
    return pivot
  }

  private static func swapRows(_ matrix: UnsafeMutablePointer<Double>, _ a: Int, _ b: Int, _ size: Int) {
    for column in 0..<size {
      let kept = matrix[a &* size &+ column]
      matrix[a &* size &+ column] = matrix[b &* size &+ column]
      matrix[b &* size &+ column] = kept
    }
  }
}
