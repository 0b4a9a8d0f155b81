import ModelGraph

extension OperatorImport {
  /// Products: matrices and convolutions.
  static let linearOperators: [String: OperatorImport] = [
    "MatMul": OperatorImport(2...2) { try $0.emit(.matrixMultiply(MatrixMultiply()), $0.operands) },
    "Det": OperatorImport(1...1, since: 11) { try $0.emit(.determinant, $0.operands) },
    "Gemm": OperatorImport(2...3, gemm),
    "Conv": OperatorImport(2...3) { node in
      try node.emit(.convolution(try node.convolutionWindow()), node.operands)
    },
    "ConvTranspose": OperatorImport(2...3) { node in
      let axes = try node.spatialAxes()
      let zeros = Array(repeating: 0, count: axes)
      let outputPadding =
        try node.integers("output_padding", in: 0...NodeImport.largest, count: axes) ?? zeros
      var outputShape = try node.integers("output_shape", in: 0...NodeImport.largest, count: nil)
      // Some exporters give batch and channels too.
      if let shape = outputShape, shape.count == axes + 2 { outputShape = Array(shape.suffix(axes)) }
      if let shape = outputShape, shape.count != axes {
        throw node.malformed("has \(shape.count) numbers in 'output_shape', where \(axes) are expected")
      }
      try node.emit(
        .deconvolution(
          Deconvolution(
            window: try node.convolutionWindow(spatialAxes: axes),
            outputPadding: outputPadding, outputShape: outputShape)), node.operands)
    },
  ]

  private static func gemm(_ node: NodeImport) throws {
    // Before opset 7 the bias must say that it is broadcast.
    if node.opset < 7 { node.ignore("broadcast") }
    let beta = try node.float("beta", default: 1)
    let op = Op.matrixMultiply(
      MatrixMultiply(
        transposeA: try node.flag("transA"), transposeB: try node.flag("transB"),
        alpha: try node.float("alpha", default: 1)))
    let bias = beta == 0 ? nil : node.optional(2)
    guard let unscaled = bias, beta != 1 else {
      return try node.emit(op, [try node.operand(0), try node.operand(1), bias])
    }
    // The scaled bias may be too large for the type of the result.
    try node.emitInFloats([try node.operand(0), try node.operand(1), unscaled]) { operands in
      let factor = try node.constant(beta, like: operands[2], "beta")
      return (
        op, [operands[0], operands[1], node.intermediate(.binary(.multiply), [operands[2], factor], "bias")]
      )
    }
  }
}
