import Tensors

extension NodeTyping {
  /// Returns the facts of the node's results before its post-ops.
  func results() throws(GraphError) -> [Fact?] {
    switch node.op {
    case .unary(let function): return [unary(function, self[0])]
    case .binary(let function): return [try binary(function, self[0], self[1])]
    case .select: return [try select()]
    case .cast(let target): return [cast(to: target)]

    case .convolution(let convolution): return [try self.convolution(convolution)]
    case .deconvolution(let deconvolution): return [try self.deconvolution(deconvolution)]
    case .matrixMultiply(let multiply): return [try matrixMultiply(multiply)]
    case .lstm(let recurrent): return try self.recurrent(recurrent, gates: 4)
    case .gru(let recurrent): return try self.recurrent(recurrent, gates: 3)

    case .pool(let pool): return [try self.pool(pool)]
    case .batchNormalization: return [try batchNormalization()]
    case .layerNormalization(let axis, _): return [try layerNormalization(axis: axis)]
    case .instanceNormalization: return [try instanceNormalization()]
    case .groupNormalization(let groups, _): return [try groupNormalization(groups: groups)]
    case .localResponseNormalization(let response): return [try localResponseNormalization(response)]
    case .softmax(let axis), .logSoftmax(let axis): return [try sameShape(axis: axis)]

    case .reduce(let reduction, let keep, let noop):
      return [try reduce(reduction, keepDimensions: keep, noopWithEmptyAxes: noop)]
    case .argumentOf(_, let axis, let keep, _): return [try argument(axis: axis, keepDimensions: keep)]
    case .topK(let axis, _, _): return try topK(axis: axis)
    case .cumulativeSum: return [try cumulativeSum()]
    case .resize(let resize): return [try self.resize(resize)]

    case .identity: return [self[0]]
    case .concat(let axis): return [try concat(axis: axis)]
    case .split(let axis): return try split(axis: axis)
    case .slice: return [try slice()]
    case .gather(let axis): return [try gather(axis: axis)]
    case .gatherElements(let axis): return [try gatherElements(axis: axis)]
    case .gatherND(let batch): return [try gatherND(batchDimensions: batch)]
    case .scatterND(let reduction): return [try scatterND(reduction)]
    case .scatterElements(let axis, _): return [try scatterElements(axis: axis)]
    case .transpose(let permutation): return [try transpose(permutation)]
    case .reshape(let allowZero): return [try reshape(allowZero: allowZero)]
    case .flatten(let axis): return [try flatten(axis: axis)]
    case .squeeze: return [try squeeze()]
    case .unsqueeze: return [try unsqueeze()]
    case .expand: return [try expand()]
    case .tile: return [try tile()]
    case .pad: return [try pad()]
    case .depthToSpace(let block, _): return [try depthToSpace(block)]
    case .spaceToDepth(let block): return [try spaceToDepth(block)]
    case .triangular: return [try triangular()]
    case .oneHot(let axis): return [try oneHot(axis: axis)]

    case .shape(let start, let end): return [shape(start: start, end: end)]
    case .size: return [try size()]
    case .constantOfShape(let value): return [try constantOfShape(value)]
    case .range: return [try range()]
    case .nonZero: return [nonZero()]

    case .conditional(let then, let otherwise):
      return try conditional(then: then, otherwise: otherwise)
    }
  }

  /// The results once the post-ops have been applied to the first.
  func afterPostOps(_ results: [Fact?]) throws(GraphError) -> [Fact?] {
    guard !node.postOps.isEmpty, var first = results.first ?? nil else { return results }
    let shape = first.type.dimensions
    for postOp in node.postOps {
      switch postOp {
      case .unary(let function): first = unary(function, first) ?? first
      case .binary(let function, let operand):
        guard node.inputs.indices.contains(operand), node.inputs[operand] != nil else {
          throw failure("post-op \(function) wants operand \(operand), which is not there")
        }
        guard let other = operands[operand] else {
          first = Fact(first.type)
          continue
        }
        try checkBroadcast(other.type.dimensions, to: shape, "the operand of post-op \(function)")
        first = try binary(function, first, other) ?? first
        // The operand alone is broadcast.
        first.type.dimensions = shape
      }
    }
    var results = results
    results[0] = first
    return results
  }

  /// Checks the numbers of operands and results, and that the required operands are there.
  func checkCounts() throws(GraphError) {
    for case .binary(let function, let operand) in node.postOps
    where !node.inputs.indices.contains(operand) || node.inputs[operand] == nil {
      throw failure("post-op \(function) wants operand \(operand), which is not there")
    }
    let arity = node.op.arity
    let count = node.operandCount
    guard arity.operands.contains(count) else {
      throw failure("it has \(count) operands, where \(ArityText.of(arity.operands)) are allowed")
    }
    guard arity.results.contains(node.outputs.count) else {
      throw failure(
        "it has \(node.outputs.count) results, where \(ArityText.of(arity.results)) are allowed")
    }
    let required = arity.isVariadic ? count : arity.operands.lowerBound
    for index in 0..<required where node.inputs[index] == nil {
      throw failure("operand \(index) is left out, but it is required")
    }
  }
}

private enum ArityText {
  static func of(_ range: ClosedRange<Int>) -> String {
    range.upperBound == Int.max
      ? "\(range.lowerBound) or more"
      : range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
  }
}
