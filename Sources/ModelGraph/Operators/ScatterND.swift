import Tensors

/// ONNX `ScatterND`.
package struct ScatterND: Operator {
  package static let name = "scatter.nd"
  package static let signature = Signature(.data("data"), .data("indices"), .data("updates"))
  package static let family = OperatorFamily.movement

  package var reduction: ScatterReduction

  package static var coding: Coding<Self> { Coding(Self.init, \.reduction) }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.scatterND(reduction)] }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(self, operands: operands, results: results)
      .with(.sizes([1]), .sizes([1, 1]))
  }
}

extension Op {
  package static func scatterND(_ reduction: ScatterReduction) -> Op { Op(ScatterND(reduction: reduction)) }
}

extension NodeTyping {
  fileprivate func scatterND(_ reduction: ScatterReduction) throws(GraphError) -> Fact? {
    try checkInteger(1, "indices")
    try checkSameElementType([0, 2])
    guard let operand = self[0] else { return nil }
    let plain = Fact(operand.type)
    guard let data = operand.type.dimensions, let indices = dimensions(1) else { return plain }
    guard let last = indices.last, !data.isEmpty else {
      throw failure("neither data nor indices can be a scalar")
    }
    guard let depth = last.size else { return plain }
    guard 1...data.count ~= depth else {
      throw failure("an index of \(depth) numbers does not fit \(data.count) axes")
    }
    let wanted = indices.dropLast() + data[depth...]
    if let updates = dimensions(2) {
      guard updates.count == wanted.count, zip(updates, wanted).allSatisfy({ $0.unified(with: $1) != nil })
      else { throw failure("the updates are not \(ValueType.text(Array(wanted)))") }
    }
    guard reduction == .replace, let elements = scattered(operand, depth: depth) else { return plain }
    return Fact(operand.type, elements: elements)
  }

  fileprivate func scattered(_ operand: Fact, depth: Int) -> [Scalar]? {
    guard let shape = operand.type.shape, var elements = operand.elements,
      let indices = self[1]?.elements?.compactMap(\.integer), let updates = self[2]?.elementsOrUnknown,
      indices.count == self[1]?.type.shape?.elementCount
    else { return nil }
    let strides = shape.strides
    let run = shape.dims[depth...].reduce(1, *)
    guard indices.count / depth * run == updates.count else { return nil }
    for update in 0..<indices.count / depth {
      var first = 0
      for axis in 0..<depth {
        let index = indices[update * depth + axis]
        let size = shape.dims[axis]
        guard -size..<size ~= index else { return nil }
        first += (index < 0 ? index + size : index) * strides[axis]
      }
      elements.replaceSubrange(first..<first + run, with: updates[update * run..<(update + 1) * run])
    }
    return elements
  }
}
