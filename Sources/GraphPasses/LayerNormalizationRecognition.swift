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
    switch node.op {
    case .binary(.divide): candidates = [(first, second)]
    case .binary(.multiply):
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
        case .layerNormalization = maker.op, maker.postOps.isEmpty, maker.inputs.count == 3,
        maker.inputs[2] == nil,
        let scale = tensor(maker.inputs[1]), let parameter = tensor(constant),
        parameter.elementType == .float32,
        parameter.isParameter(of: scale.shape)
      else { continue }
      var folded = maker
      folded.outputs = node.outputs
      guard let shaped = try? parameter.reshaped(to: scale.shape) else { continue }
      let operand = parameter.shape == scale.shape ? constant : addConstant("\(maker.name).parameter", shaped)
      switch node.op {
      case .binary(.multiply):
        guard scale.isAll(1) else { continue }
        folded.inputs[1] = operand
      case .binary(.add): folded.inputs[2] = operand
      default: return false
      }
      replace(index, with: folded)
      return true
    }
    return false
  }

  /// `id` as a − b.
  private func subtraction(_ id: ValueID) -> (ValueID, ValueID)? {
    guard let node = maker(of: id)?.node, node.op == .binary(.subtract), node.postOps.isEmpty,
      node.inputs.count == 2, let a = node.inputs[0], let b = node.inputs[1]
    else { return nil }
    return (a, b)
  }

  /// What `id` is one over.
  private func reciprocal(_ id: ValueID) -> ValueID? {
    if case (.reciprocal, let value)? = unary(id) { return value }
    guard let node = maker(of: id)?.node, node.op == .binary(.divide), node.postOps.isEmpty,
      scalar(node.inputs.first ?? nil)?.value == 1
    else { return nil }
    return node.inputs.last ?? nil
  }

  /// The first of the axes up to the last over which `mean` is the mean of `x`, one axis of size 1 kept for each.
  private func meanAxis(_ mean: ValueID, of x: ValueID) -> Int? {
    guard let rank = type(x)?.rank, let (value, axes) = average(mean), value == x else { return nil }
    let normal = axes.map { $0 < 0 ? $0 + rank : $0 }.sorted()
    guard let first = normal.first, first >= 0, normal == Array(first..<rank),
      isKept(mean, of: x, from: first)
    else { return nil }
    return first
  }

  /// Whether `reduced` has the axes of `whole`, those from `axis` on being of size 1: it broadcasts back.
  private func isKept(_ reduced: ValueID, of whole: ValueID, from axis: Int) -> Bool {
    if case .reduce(_, keepDimensions: true, _)? = maker(of: reduced)?.node.op { return true }
    guard let reduced = type(reduced)?.dimensions, let whole = type(whole)?.dimensions,
      reduced.count == whole.count, axis <= whole.count
    else { return false }
    return reduced[axis...].allSatisfy { $0 == .known(1) }
      && zip(reduced[..<axis], whole[..<axis]).allSatisfy { $0.isSeenToEqual($1) }
  }

  /// What `id` is the mean of, over which axes; reshapes that only bring back axes of size 1 are looked through.
  private func average(_ id: ValueID) -> (ValueID, axes: [Int])? {
    var (id, coefficient) = (id, 1.0)
    for _ in 0..<4 {
      guard let node = maker(of: id)?.node, node.postOps.isEmpty else { return nil }
      switch node.op {
      case .reshape, .unsqueeze:
        guard let source = node.inputs.first ?? nil else { return nil }
        id = source
      case .binary:
        let scaled = product(id, limit: 1)
        guard scaled.factors.count == 1, scaled.factors[0] != id,
          keepsRank(of: scaled.factors[0], scaled.constantRank)
        else { return nil }
        coefficient *= scaled.coefficient
        id = scaled.factors[0]
      case .reduce(let reduction, _, _):
        guard let value = node.inputs.first ?? nil, node.inputs.count > 1,
          let axes = tensor(node.inputs[1])?.integers, !axes.isEmpty
        else { return nil }
        if reduction == .mean { return coefficient == 1 ? (value, axes) : nil }
        guard reduction == .sum, let dimensions = type(value)?.dimensions else { return nil }
        var count = 1.0
        for axis in axes {
          let index = axis < 0 ? axis + dimensions.count : axis
          guard dimensions.indices.contains(index), let size = dimensions[index].size else { return nil }
          count *= Double(size)
        }
        return coefficient.isAbout(1 / count) ? (value, axes) : nil
      default: return nil
      }
    }
    return nil
  }

  /// Whether `id` is the mean over the axes from `axis` on of `(x − mean)²`, or of `x²` less the square of the mean.
  private func isVariance(
    _ id: ValueID, of x: ValueID, mean: ValueID, difference: ValueID, axis: Int
  ) -> Bool {
    guard let rank = type(x)?.rank else { return false }
    func isMean(of value: ValueID, _ square: (value: ValueID, axes: [Int])?) -> Bool {
      guard let square else { return false }
      let factors = product(square.value, stoppingAt: value)
      return factors.coefficient == 1 && factors.factors == [value, value]
        && square.axes.map { $0 < 0 ? $0 + rank : $0 }.sorted() == Array(axis..<rank)
    }
    guard isKept(id, of: x, from: axis) else { return false }
    if isMean(of: difference, average(id)) { return true }
    // max(0, E[x²] − E[x]²), perhaps reshaped: rounding must not make it negative.
    var value = id
    for _ in 0..<3 {
      guard let node = maker(of: value)?.node, node.postOps.isEmpty else { return false }
      switch node.op {
      case .reshape, .unsqueeze:
        guard let source = node.inputs.first ?? nil else { return false }
        value = source
      case .binary(.maximum):
        guard node.inputs.count == 2, let a = node.inputs[0], let b = node.inputs[1] else { return false }
        if scalar(a)?.value == 0 {
          value = b
        } else if scalar(b)?.value == 0 {
          value = a
        } else {
          return false
        }
      case .unary(.relu):
        guard let source = node.inputs.first ?? nil else { return false }
        value = source
      case .binary(.subtract):
        guard let (squares, square) = subtraction(value), isMean(of: x, average(squares)) else {
          return false
        }
        let factors = product(square, limit: 1)
        guard factors.coefficient == 1, factors.factors.count == 2, factors.factors[0] == factors.factors[1],
          let (averaged, axes) = average(factors.factors[0]), averaged == x
        else { return false }
        return axes.map { $0 < 0 ? $0 + rank : $0 }.sorted() == Array(axis..<rank)
      default: return false
      }
    }
    return false
  }
}

extension Tensor {
  /// Whether this broadcasts against an operand of axes `shape` and more as one value for each element of `shape`.
  fileprivate func isParameter(of shape: Shape) -> Bool {
    let extra = self.shape.rank - shape.rank
    return extra >= 0 && Array(self.shape.dims.dropFirst(extra)) == shape.dims
      && self.shape.dims.prefix(extra).allSatisfy { $0 == 1 }
  }
}
