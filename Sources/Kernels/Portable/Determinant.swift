import Device
import ModelGraph
import Tensors

extension Determinant: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try DeterminantProgram.build(request) }
}

/// ONNX `Det`: the product of the pivots of Gaussian elimination, in doubles.
enum DeterminantProgram {
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
    try request.requireResult(Array(dims.dropLast(2)))
    let matrices = dims.dropLast(2).reduce(1, *)
    let (count, overflow) = size.multipliedReportingOverflow(by: size)
    let bytes = ElementType.float64.byteCount(of: count)
    guard !overflow, let bytes else { throw request.invalid("too large") }
    return Program(name: "determinant", scratchBytes: alignedScratch(bytes)) { frame in
      let (source, target) = (try frame.operand(0, as: Double.self), try frame.result(0, as: Double.self))
      let matrix = try frame.scratch(as: Double.self)
      for index in 0..<matrices {
        matrix.update(from: source + index &* count, count: count)
        target[index] = determinant(matrix, size)
      }
    }
  }

  /// Destroys the matrix.
  private static func determinant(_ matrix: UnsafeMutablePointer<Double>, _ size: Int) -> Double {
    var result = 1.0
    for step in 0..<size {
      var pivot = step
      for row in step..<size {
        let candidate = matrix[row &* size &+ step].magnitude
        // A NaN becomes the pivot, and so the result.
        if candidate > matrix[pivot &* size &+ step].magnitude || candidate.isNaN { pivot = row }
      }
      if pivot != step {
        for column in step..<size {
          let (a, b) = (step &* size &+ column, pivot &* size &+ column)
          (matrix[a], matrix[b]) = (matrix[b], matrix[a])
        }
        result = -result
      }
      let divisor = matrix[step &* size &+ step]
      result *= divisor
      if divisor == 0 { return result }
      let line = matrix + step &* size
      for row in step &+ 1..<size {
        let other = matrix + row &* size
        let factor = other[step] / divisor
        if factor == 0 { continue }
        for column in step &+ 1..<size { other[column] -= factor * line[column] }
      }
    }
    return result
  }
}
