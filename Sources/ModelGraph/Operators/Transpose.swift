import Tensors

/// ONNX `Transpose`: the result's axis `i` is the operand's axis `permutation[i]`; an empty permutation
/// reverses them.
package struct Transpose: Operator {
  package static let name = "transpose"
  package static let signature = Signature(.data("x"))
  package static let family = OperatorFamily.movement
  package var reals: RealElements { .moved }

  package var permutation: [Int]

  package static var coding: Coding<Self> { Coding(Self.init, \.permutation) }

  package var attributes: [PrintedAttribute] { [PrintedAttribute("by", "\(permutation)")] }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.transpose(permutation)] }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.isRows(0) && permutation.first == 0 }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(Transpose(permutation: [0]), operands: operands, results: results)
  }
}

extension Op {
  package static func transpose(permutation: [Int]) -> Op { Op(Transpose(permutation: permutation)) }
}

extension NodeTyping {
  fileprivate func transpose(_ permutation: [Int]) throws(GraphError) -> Fact? {
    guard let operand = self[0] else { return nil }
    let type = operand.type.elementType
    guard let dimensions = operand.type.dimensions else {
      guard !permutation.isEmpty else { return Fact(type, nil) }
      return Fact(type, [Dimension](repeating: .unknown, count: permutation.count))
    }
    let axes = permutation.isEmpty ? dimensions.indices.reversed() : permutation
    guard axes.sorted() == Array(dimensions.indices) else {
      throw failure("\(permutation) is not a permutation of \(dimensions.count) axes")
    }
    let result = axes.map { dimensions[$0] }
    guard let elements = operand.cheapElements, let shape = operand.type.shape else {
      return Fact(type, result)
    }
    let strides = shape.strides
    return Fact(
      type, result,
      elements: strided(elements, dims: axes.map { shape.dims[$0] }, strides: axes.map { strides[$0] }))
  }
}
