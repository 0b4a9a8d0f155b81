import ModelGraph
import Tensors

/// Means and variances as graphs spell them out.
extension Rewriter {
  /// `id` as a − b.
  func subtraction(_ id: ValueID) -> (ValueID, ValueID)? {
    guard let node = maker(of: id)?.node, node.op == .binary(.subtract), node.postOps.isEmpty,
      node.inputs.count == 2, let a = node.inputs[0], let b = node.inputs[1]
    else { return nil }
    return (a, b)
  }

  /// Returns the value whose reciprocal `id` is.
  func reciprocal(_ id: ValueID) -> ValueID? {
    if case (.reciprocal, let value)? = unary(id) { return value }
    guard let node = maker(of: id)?.node, node.op == .binary(.divide), node.postOps.isEmpty,
      scalar(node.inputs.first ?? nil)?.value == 1
    else { return nil }
    return node.inputs.last ?? nil
  }

  /// The first of the axes up to the last over which `mean` is the mean of `x`, one axis of size 1 kept for each.
  func meanAxis(_ mean: ValueID, of x: ValueID) -> Int? {
    guard let rank = type(x)?.rank, let (value, axes) = average(mean), value == x else { return nil }
    let normal = axes.map { $0 < 0 ? $0 + rank : $0 }.sorted()
    guard let first = normal.first, first >= 0, normal == Array(first..<rank),
      isKept(mean, of: x, from: first)
    else { return nil }
    return first
  }

  /// Returns true if `reduced` has the axes of `whole`, with those from `axis` on of size 1, so that it
  /// broadcasts back.
  private func isKept(_ reduced: ValueID, of whole: ValueID, from axis: Int) -> Bool {
    if maker(of: reduced)?.node.op.as(Reduce.self)?.keepDimensions == true { return true }
    guard let reduced = type(reduced)?.dimensions, let whole = type(whole)?.dimensions,
      reduced.count == whole.count, axis <= whole.count
    else { return false }
    return reduced[axis...].allSatisfy { $0 == .known(1) }
      && zip(reduced[..<axis], whole[..<axis]).allSatisfy { $0.isSeenToEqual($1) }
  }

  /// Returns the value whose mean `id` is, and the axes of the mean. Reshapes that only restore axes of size
  /// 1 are looked through.
  func average(_ id: ValueID) -> (ValueID, axes: [Int])? {
    var (id, coefficient) = (id, 1.0)
    for _ in 0..<4 {
      guard let node = maker(of: id)?.node, node.postOps.isEmpty else { return nil }
      switch node.op.base {
      case is Reshape, is Unsqueeze:
        guard let source = node.inputs.first ?? nil else { return nil }
        id = source
      case is Binary:
        let scaled = product(id, limit: 1)
        guard scaled.factors.count == 1, scaled.factors[0] != id,
          keepsRank(of: scaled.factors[0], scaled.constantRank)
        else { return nil }
        coefficient *= scaled.coefficient
        id = scaled.factors[0]
      case let reduce as Reduce:
        guard let value = node.inputs.first ?? nil, node.inputs.count > 1,
          let axes = tensor(node.inputs[1])?.integers, !axes.isEmpty
        else { return nil }
        if reduce.reduction == .mean { return coefficient == 1 ? (value, axes) : nil }
        guard reduce.reduction == .sum, let dimensions = type(value)?.dimensions else { return nil }
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

  /// Returns true if `id` is the mean over the axes from `axis` on of `(x − mean)²`, or of `x²` less the
  /// square of the mean.
  func isVariance(
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
      if node.op.is(Reshape.self) || node.op.is(Unsqueeze.self) || node.op == .unary(.relu) {
        guard let source = node.inputs.first ?? nil else { return false }
        value = source
        continue
      }
      switch node.op.as(Binary.self)?.function {
      case .maximum:
        guard node.inputs.count == 2, let a = node.inputs[0], let b = node.inputs[1] else { return false }
        if scalar(a)?.value == 0 {
          value = b
        } else if scalar(b)?.value == 0 {
          value = a
        } else {
          return false
        }
      case .subtract:
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
