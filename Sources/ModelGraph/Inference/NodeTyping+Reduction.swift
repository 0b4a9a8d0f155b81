import Tensors

extension NodeTyping {
  func reduce(_ reduction: Reduction, keepDimensions: Bool, noopWithEmptyAxes: Bool) throws(GraphError)
    -> Fact?
  {
    guard let operand = self[0] else { return nil }
    let type = operand.type.elementType
    guard let dimensions = operand.type.dimensions else { return Fact(type, nil) }
    let rank = dimensions.count
    var axes = Array(0..<rank)
    if has(1) {
      guard let count = try listCount(1) else { return Fact(type, keepDimensions ? open(rank) : nil) }
      if count > 0 {
        guard count <= rank else { throw failure("\(count) axes are reduced of \(rank)") }
        guard let known = try integers(1) else {
          return Fact(type, open(keepDimensions ? rank : rank - count))
        }
        axes = try normalized(known, rank: rank)
      } else if noopWithEmptyAxes {
        return operand
      }
    } else if noopWithEmptyAxes {
      return operand
    }
    var result: [Dimension] = []
    for axis in 0..<rank {
      if !axes.contains(axis) {
        result.append(dimensions[axis])
      } else if keepDimensions {
        result.append(.known(1))
      }
    }
    return Fact(type, result, elements: elements(reduction, over: axes, of: operand))
  }

  private func open(_ rank: Int) -> [Dimension] { [Dimension](repeating: .unknown, count: rank) }

  private func elements(_ reduction: Reduction, over axes: [Int], of operand: Fact) -> [Scalar]? {
    let function: BinaryFunction
    switch reduction {
    case .sum: function = .add
    case .product: function = .multiply
    case .maximum: function = .maximum
    case .minimum: function = .minimum
    default: return nil
    }
    // Sums of reals depend on their order.
    let type = operand.type.elementType
    guard let elements = operand.cheapElements, let shape = operand.type.shape,
      !type.isFloatingPoint || reduction == .maximum || reduction == .minimum || elements.count <= 2
    else { return nil }
    let kept = shape.dims.indices.filter { !axes.contains($0) }
    let outer = kept.map { shape.dims[$0] }
    let inner = axes.map { shape.dims[$0] }
    guard inner.allSatisfy({ $0 > 0 }) else { return nil }
    let strides = shape.strides
    let starts = (0..<shape.elementCount).map { Scalar.integer($0) }
    let firsts = strided(starts, dims: outer, strides: kept.map { strides[$0] }).compactMap(\.integer)
    return firsts.map { first in
      let group = strided(elements, dims: inner, strides: axes.map { strides[$0] }, offset: first)
      return group.dropFirst().reduce(group.first ?? .unknown) { function($0, $1, type) }
    }
  }

  /// ONNX `ArgMax` and `ArgMin`.
  func argument(axis: Int, keepDimensions: Bool) throws(GraphError) -> Fact {
    guard var dimensions = dimensions(0) else { return Fact(.int64, nil) }
    let axis = try normalized(axis, rank: dimensions.count)
    if dimensions[axis].size == 0 { throw failure("there is no extremum of no elements") }
    if keepDimensions { dimensions[axis] = .known(1) } else { dimensions.remove(at: axis) }
    return Fact(.int64, dimensions)
  }

  func topK(axis: Int) throws(GraphError) -> [Fact?] {
    try checkInteger(1, "numbers k")
    let type = type(0)
    var dimensions = type?.dimensions
    if let known = dimensions {
      let axis = try normalized(axis, rank: known.count)
      let k = try list(1)
      if let k, k.count != 1 { throw failure("its k is \(k.count) numbers") }
      let size = k?.first?.dimension ?? .unknown
      if let count = size.size {
        guard count >= 0, count <= known[axis].size ?? .max else {
          throw failure("the \(count) largest are asked for")
        }
      }
      dimensions?[axis] = size
    }
    let results = [type.map { Fact($0.elementType, dimensions) }, Fact(.int64, dimensions)]
    return Array(results.prefix(node.outputs.count))
  }

  func cumulativeSum() throws(GraphError) -> Fact? {
    guard let type = type(0) else { return nil }
    if let rank = type.rank, let axis = try list(1)?.first?.integer { _ = try normalized(axis, rank: rank) }
    return Fact(type)
  }
}
