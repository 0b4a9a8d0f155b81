import Tensors

/// ONNX `Concat`.
package struct Concat: Operator {
  package static let name = "concat"
  package static let signature = Signature(.data("x"), isVariadic: true)
  package static let family = OperatorFamily.movement
  package static let isShapeArithmetic = true
  package static let sharesBytes = true
  package var reals: RealElements { .moved }

  package var axis: Int

  package static var coding: Coding<Self> { Coding(Self.init, \.axis) }

  package var attributes: [PrintedAttribute] { [PrintedAttribute("axis", axis)] }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.concat(axis: axis)] }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.allRows && rows.isInner(axis, of: 0) }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(Concat(axis: 0), operands: operands, results: results).with(results: [operands])
  }
}

extension Op {
  package static func concat(axis: Int) -> Op { Op(Concat(axis: axis)) }
}

extension NodeTyping {
  fileprivate func concat(axis: Int) throws(GraphError) -> Fact? {
    try checkSameElementType(Array(operands.indices))
    guard let type = operands.lazy.compactMap({ $0?.type.elementType }).first else { return nil }
    guard let rank = operands.lazy.compactMap({ $0?.type.rank }).first else { return Fact(type, nil) }
    let axis = try normalized(axis, rank: rank)
    var result = [Dimension](repeating: .unknown, count: rank)
    result[axis] = .known(0)
    for index in operands.indices {
      guard let dimensions = dimensions(index) else {
        result[axis] = .unknown
        continue
      }
      guard dimensions.count == rank else { throw failure("its operands have different numbers of axes") }
      for other in 0..<rank {
        result[other] =
          other == axis
          ? try sized(result[axis].plus(dimensions[axis]))
          : try unified(result[other], dimensions[other], "sizes along axis \(other)")
      }
    }
    return Fact(type, result, elements: concatenated(axis: axis, ValueType(type, result).shape))
  }

  fileprivate func concatenated(axis: Int, _ shape: Shape?) -> [Scalar]? {
    guard let shape, shape.elementCount <= Inference.maximumElements,
      operands.contains(where: { $0?.cheapElements != nil })
    else { return nil }
    var parts: [(elements: [Scalar], run: Int)] = []
    let outer = shape.dims[..<axis].reduce(1, *)
    for index in operands.indices {
      guard let elements = self[index]?.elementsOrUnknown else { return nil }
      parts.append((elements, outer == 0 ? 0 : elements.count / outer))
    }
    return (0..<outer).flatMap { row in
      parts.flatMap { $0.elements[row * $0.run..<(row + 1) * $0.run] }
    }
  }
}
