import Tensors

/// ONNX `Gather`.
package struct Gather: Operator {
  package static let name = "gather"
  package static let signature = Signature(.data("data"), .data("indices"))
  package static let family = OperatorFamily.movement
  package static let isShapeArithmetic = true
  package var reals: RealElements { .moved }

  package var axis: Int

  package static var coding: Coding<Self> { Coding(Self.init, \.axis) }

  package var attributes: [PrintedAttribute] { [PrintedAttribute("axis", axis)] }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.gather(axis: axis)] }

  package func keepsRows(_ rows: BatchRows) -> Bool {
    if rows.isRows(0) { return rows.isFixed(1) && rows.isInner(axis, of: 0) }
    return rows.isFixed(0) && rows.isRows(1) && axis == 0
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(Gather(axis: 0), operands: operands, results: results)
  }
}

extension Op {
  package static func gather(axis: Int) -> Op { Op(Gather(axis: axis)) }
}

extension NodeTyping {
  fileprivate func gather(axis: Int) throws(GraphError) -> Fact? {
    try checkInteger(1, "indices")
    guard let operand = self[0] else { return nil }
    let type = operand.type.elementType
    guard let dimensions = operand.type.dimensions else { return Fact(type, nil) }
    let axis = try normalized(axis, rank: dimensions.count)
    guard let places = self.dimensions(1) else { return Fact(type, nil) }
    let result = dimensions[..<axis] + places + dimensions[(axis + 1)...]
    guard let indices = self[1]?.cheapElements else { return Fact(type, Array(result)) }
    if let size = dimensions[axis].size {
      for index in indices.compactMap(\.integer) where !(-size..<size ~= index) {
        throw failure("index \(index) is not one of \(size)")
      }
    }
    return Fact(type, Array(result), elements: gathered(indices, of: operand, axis: axis))
  }

  fileprivate func gathered(_ indices: [Scalar], of operand: Fact, axis: Int) -> [Scalar]? {
    guard let shape = operand.type.shape, let elements = operand.cheapElements else { return nil }
    let size = shape.dims[axis]
    let outer = shape.dims[..<axis].reduce(1, *)
    let run = shape.dims[(axis + 1)...].reduce(1, *)
    guard outer * run * indices.count <= Inference.maximumElements else { return nil }
    return (0..<outer).flatMap { row in
      indices.flatMap { index in
        guard let index = index.integer else { return [Scalar](repeating: .unknown, count: run) }
        let first = (row * size + (index < 0 ? index + size : index)) * run
        return Array(elements[first..<first + run])
      }
    }
  }
}
