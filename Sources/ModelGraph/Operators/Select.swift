import Tensors

/// ONNX `Where`. Operands broadcast as in NumPy.
package struct Select: Operator {
  package static let name = "select"
  package static let signature = Signature(.data("condition"), .data("then"), .data("otherwise"))
  package static let family = OperatorFamily.elementwise
  package static let isShapeArithmetic = true
  package var reals: RealElements { .moved }

  package static var coding: Coding<Self> { Coding(Self()) }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.select()] }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.allBroadcast }
}

extension Op {
  package static var select: Op { Op(Select()) }
}

extension NodeTyping {
  fileprivate func select() throws(GraphError) -> Fact? {
    if let type = elementType(0), type != .bool { throw failure("its condition is \(type), not bool") }
    try checkSameElementType([1, 2])
    guard let type = elementType(1) ?? elementType(2) else { return nil }
    let branches = try broadcast(dimensions(1), dimensions(2))
    let result = ValueType(type, try broadcast(dimensions(0), branches))
    guard let condition = self[0], let then = self[1], let otherwise = self[2],
      condition.elements != nil || then.cheapElements != nil || otherwise.cheapElements != nil,
      let shape = result.shape, let conditions = elements(of: condition, broadcastTo: shape),
      let left = elements(of: then, broadcastTo: shape),
      let right = elements(of: otherwise, broadcastTo: shape)
    else { return Fact(result) }
    let elements = conditions.indices.map { index in
      if let truth = conditions[index].truth { return truth ? left[index] : right[index] }
      return left[index] == right[index] ? left[index] : .unknown
    }
    return Fact(result, elements: elements)
  }
}
