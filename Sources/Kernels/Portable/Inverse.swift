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
    let matrices = try SquareMatrices(request)
    try request.requireResult(operand.shape.dims)
    return Program(name: "inverse", scratchBytes: matrices.scratchBytes) { frame in
      let (source, target) = (try frame.operand(0, as: Double.self), try frame.result(0, as: Double.self))
      let matrix = try frame.scratch(as: Double.self)
      for index in 0..<matrices.count {
        let start = index &* matrices.elements
        matrix.update(from: source + start, count: matrices.elements)
        invert(matrix, into: target + start, matrices)
      }
    }
  }

  /// Destroys the matrix.
  private static func invert(
    _ matrix: UnsafeMutablePointer<Double>, into result: UnsafeMutablePointer<Double>,
    _ matrices: SquareMatrices
  ) {
    let size = matrices.size
    for row in 0..<size {
      for column in 0..<size { result[row &* size &+ column] = row == column ? 1 : 0 }
    }
    for step in 0..<size {
      let pivot = matrices.pivotRow(matrix, step)
      if pivot != step {
        matrices.swapRows(matrix, pivot, step)
        matrices.swapRows(result, pivot, step)
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
}
