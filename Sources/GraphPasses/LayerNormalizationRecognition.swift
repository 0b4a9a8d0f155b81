import ModelGraph
import Tensors

extension Pass {
  /// Recovers `LayerNormalization` from the form that exporters write it in:
  ///
  ///     mean = ReduceMean(x); d = x − mean; variance = ReduceMean(d²); d / √(variance + ε) [· scale] [+ bias]
  ///
  /// over the last axes, kept as axes of size 1. The variance may be E[x²] − E[x]² as well (Flax), means may be sums
  /// times 1/n, and the quotient a product with a reciprocal.
  public static let layerNormalizationRecognition = Pass(
    name: "layer normalisation recognition", kind: .fusion
  ) { graph, _ in
    try Rewriter.rewrite(&graph) { rewriter, index in
      if try rewriter.recogniseNormalisation(index) { return true }
      return rewriter.separateScale(index) || rewriter.absorbScaleOrBias(index)
    }
  }
}

extension Rewriter {
  /// Makes one node of what the division (or multiplication) at `index` finishes.
  fileprivate mutating func recogniseNormalisation(_ index: Int) throws -> Bool {
    let node = self[index]
    guard node.postOps.isEmpty, node.inputs.count == 2, let first = node.inputs[0],
      let second = node.inputs[1]
    else { return false }
    var candidates: [(difference: ValueID, deviation: ValueID)] = []
    switch node.op.as(Binary.self)?.function {
    case .divide: candidates = [(first, second)]
    case .multiply:
      for (difference, other) in [(first, second), (second, first)] {
        if let deviation = reciprocal(other) { candidates.append((difference, deviation)) }
      }
    default: return false
    }
    for (difference, deviation) in candidates {
      guard let (x, mean) = subtraction(difference), let axis = meanAxis(mean, of: x),
        case (.squareRoot, let padded)? = unary(deviation),
        let (variance, epsilon, rank) = sum(padded), epsilon >= 0, keepsRank(of: variance, rank),
        isVariance(variance, of: x, mean: mean, difference: difference, axis: axis),
        let type = type(x), type.elementType == .float32, let dimensions = type.dimensions,
        case let sizes = dimensions[axis...].compactMap(\.size), sizes.count == dimensions.count - axis,
        let shape = try? Shape(checking: sizes), shape.elementCount > 0, shape.elementCount <= 1 << 20
      else { continue }
      let ones = try Tensor([Float](repeating: 1, count: shape.elementCount), shape: shape)
      var normalised = node
      normalised.op = .layerNormalization(axis: axis, epsilon: epsilon)
      normalised.inputs = [x, addConstant("\(node.name).scale", ones), nil]
      replace(index, with: normalised)
      return true
    }
    return false
  }

  /// Writes `d · (r · scale)` as `(d · r) · scale` where r is one over a square root: Flax multiplies in that order.
  fileprivate mutating func separateScale(_ index: Int) -> Bool {
    let node = self[index]
    guard node.op == .binary(.multiply), node.postOps.isEmpty, node.inputs.count == 2,
      let result = node.outputs.first ?? nil
    else { return false }
    for (difference, gain) in [(node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])] {
      guard let difference, let gain, let (_, mean) = subtraction(difference), average(mean) != nil,
        let inner = maker(of: gain)?.node, inner.op == .binary(.multiply), inner.postOps.isEmpty,
        case let operands = inner.inputs.compactMap({ $0 }), operands.count == 2,
        let root = operands.first(where: { reciprocal($0).flatMap(unary)?.function == .squareRoot }),
        let scale = operands.first(where: { $0 != root && tensor($0) != nil }),
        ValueType.haveSameShape(type(difference), type(result))
      else { continue }
      let normalised = addValue("\(node.name).normalised", type: type(difference))
      insert(
        Node(
          name: "\(node.name).normalised", op: node.op, inputs: [difference, root], outputs: [normalised]),
        before: index)
      var rescaled = node
      rescaled.inputs = [normalised, scale]
      replace(index, with: rescaled)
      return true
    }
    return false
  }

  /// Takes a scale, then a bias, into the normalisation before it.
  fileprivate mutating func absorbScaleOrBias(_ index: Int) -> Bool {
    let node = self[index]
    guard node.postOps.isEmpty, node.inputs.count == 2 else { return false }
    for (normalised, constant) in [(node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])] {
      guard let normalised, let constant, isReadOnce(normalised), let (_, maker) = maker(of: normalised),
        maker.op.is(LayerNormalization.self), maker.postOps.isEmpty, maker.inputs.count == 3,
        maker.inputs[2] == nil,
        let scale = tensor(maker.inputs[1]), let parameter = tensor(constant),
        parameter.elementType == .float32,
        parameter.isParameter(of: scale.shape)
      else { continue }
      var folded = maker
      folded.outputs = node.outputs
      guard let shaped = try? parameter.reshaped(to: scale.shape) else { continue }
      let operand = parameter.shape == scale.shape ? constant : addConstant("\(maker.name).parameter", shaped)
      switch node.op.as(Binary.self)?.function {
      case .multiply:
        guard scale.isAll(1) else { continue }
        folded.inputs[1] = operand
      case .add: folded.inputs[2] = operand
      default: return false
      }
      replace(index, with: folded)
      return true
    }
    return false
  }
}

extension Tensor {
  /// Returns true if this value broadcasts against an operand with trailing axes `shape` as one value for
  /// each element of `shape`.
  fileprivate func isParameter(of shape: Shape) -> Bool {
    let extra = self.shape.rank - shape.rank
    return extra >= 0 && Array(self.shape.dims.dropFirst(extra)) == shape.dims
      && self.shape.dims.prefix(extra).allSatisfy { $0 == 1 }
  }
}
