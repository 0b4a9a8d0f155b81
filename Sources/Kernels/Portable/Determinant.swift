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
    let matrices = try SquareMatrices(request)
    try request.requireResult(Array(operand.shape.dims.dropLast(2)))
    return Program(name: "determinant", scratchBytes: matrices.scratchBytes) { frame in
      let (source, target) = (try frame.operand(0, as: Double.self), try frame.result(0, as: Double.self))
      let matrix = try frame.scratch(as: Double.self)
      for index in 0..<matrices.count {
        matrix.update(from: source + index &* matrices.elements, count: matrices.elements)
        target[index] = determinant(matrix, matrices)
      }
    }
  }

  /// Destroys the matrix.
  private static func determinant(_ matrix: UnsafeMutablePointer<Double>, _ matrices: SquareMatrices)
    -> Double
  {
    let size = matrices.size
    var result = 1.0
    for step in 0..<size {
      // A NaN becomes the pivot, and so the result.
      let pivot = matrices.pivotRow(matrix, step)
      if pivot != step {
        matrices.swapRows(matrix, step, pivot, from: step)
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
