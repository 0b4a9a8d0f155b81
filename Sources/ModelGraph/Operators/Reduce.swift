import Tensors

/// ONNX `ReduceSum`, `ReduceMean`… Without axes: over all, or none with `noopWithEmptyAxes`.
package struct Reduce: Operator {
  package static let name = "reduce"
  package static let signature = Signature(.data("x"), .optional(.shape("axes")))
  package static let family = OperatorFamily.window
  package static let isShapeArithmetic = true
  package var reals: RealElements { .computed }

  package var reduction: Reduction
  package var keepDimensions: Bool
  package var noopWithEmptyAxes: Bool

  package static var coding: Coding<Self> {
    Coding(Self.init, \.reduction, \.keepDimensions, \.noopWithEmptyAxes)
  }

  package var name: String { "reduce.\(reduction.rawValue)" }

  package var attributes: [PrintedAttribute] { [PrintedAttribute("keep", keepDimensions)] }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    [try node.reduce(reduction, keepDimensions: keepDimensions, noopWithEmptyAxes: noopWithEmptyAxes)]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool {
    guard rows.isRows(0), let axes = rows.integers(1) else { return false }
    return axes.isEmpty ? noopWithEmptyAxes : rows.areInner(axesIn: 1)
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(
      Reduce(reduction: reduction, keepDimensions: true, noopWithEmptyAxes: false), operands: operands,
      results: results
    ).with(.sizes([1]), .absent)
  }
}

extension Op {
  package static func reduce(_ reduction: Reduction, keepDimensions: Bool, noopWithEmptyAxes: Bool) -> Op {
    Op(Reduce(reduction: reduction, keepDimensions: keepDimensions, noopWithEmptyAxes: noopWithEmptyAxes))
  }
}

extension NodeTyping {
  fileprivate func reduce(_ reduction: Reduction, keepDimensions: Bool, noopWithEmptyAxes: Bool)
    throws(GraphError)
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
        return reduction.keepsSingle ? operand : Fact(operand.type)
      }
    } else if noopWithEmptyAxes {
      return reduction.keepsSingle ? operand : Fact(operand.type)
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

  fileprivate func open(_ rank: Int) -> [Dimension] { [Dimension](repeating: .unknown, count: rank) }

  fileprivate func elements(_ reduction: Reduction, over axes: [Int], of operand: Fact) -> [Scalar]? {
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
}
