/// The numbers of operands and results of an op.
package struct Arity: Sendable {
  /// Allowed numbers of operands; the first `operands.lowerBound` are required.
  package var operands: ClosedRange<Int>
  /// Allowed numbers of results.
  package var results: ClosedRange<Int> = 1...1
  /// True if every named operand is required.
  package var isVariadic = false
}

extension Op {
  package var arity: Arity {
    switch self {
    case .unary, .cast, .pool, .localResponseNormalization, .softmax, .logSoftmax, .argumentOf, .identity,
      .transpose, .flatten, .depthToSpace, .spaceToDepth, .shape, .size, .constantOfShape, .nonZero:
      Arity(operands: 1...1)
    case .binary, .cumulativeSum, .gather, .gatherElements, .gatherND, .reshape, .unsqueeze, .expand, .tile:
      Arity(operands: 2...2)
    case .select, .instanceNormalization, .groupNormalization, .scatterND, .scatterElements, .oneHot, .range:
      Arity(operands: 3...3)
    case .convolution, .deconvolution, .matrixMultiply, .layerNormalization: Arity(operands: 2...3)
    case .lstm: Arity(operands: 3...8, results: 1...3)
    case .gru: Arity(operands: 3...6, results: 1...2)
    case .batchNormalization: Arity(operands: 5...5)
    case .reduce, .squeeze, .triangular: Arity(operands: 1...2)
    case .topK: Arity(operands: 2...2, results: 1...2)
    case .resize: Arity(operands: 1...4)
    case .concat: Arity(operands: 1...Int.max, isVariadic: true)
    case .split: Arity(operands: 1...2, results: 1...Int.max)
    case .slice: Arity(operands: 3...5)
    case .pad: Arity(operands: 2...4)
    case .conditional: Arity(operands: 1...Int.max, results: 0...Int.max, isVariadic: true)
    }
  }
}
