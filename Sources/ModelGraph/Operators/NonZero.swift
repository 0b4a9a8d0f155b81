import Tensors

/// ONNX `NonZero`.
package struct NonZero: Operator {
  package static let name = "nonzero"
  package static let signature = Signature(.data("x"))
  package static let family = OperatorFamily.movement
  package static let resultSizesDependOnData = true

  package static var coding: Coding<Self> { Coding(Self()) }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [node.nonZero()] }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(self, operands: operands, results: results)
      .with(.sizes([1]), results: [1, 1])
  }
}

extension Op {
  package static var nonZero: Op { Op(NonZero()) }
}

extension NodeTyping {
  /// A column for each element that is not zero; a scalar counts as a list of one.
  fileprivate func nonZero() -> Fact {
    guard let operand = self[0], let rank = operand.type.rank else {
      return Fact(.int64, [.unknown, .unknown])
    }
    let rows = max(rank, 1)
    let open = Fact(.int64, [.known(rows), .unknown])
    guard let shape = operand.type.shape, let elements = operand.cheapElements else { return open }
    let truths = elements.compactMap(\.truth)
    guard truths.count == elements.count else { return open }
    let places = truths.indices.filter { truths[$0] }
    let strides = rank == 0 ? [1] : shape.strides
    let dims = rank == 0 ? [1] : shape.dims
    let indices = zip(strides, dims).flatMap { stride, dim in
      places.map { Scalar.integer($0 / stride % max(dim, 1)) }
    }
    return Fact(.int64, [.known(rows), .known(places.count)], elements: indices)
  }
}
