import Tensors

extension NodeTyping {
  func unary(_ function: UnaryFunction, _ operand: Fact?) -> Fact? {
    guard let operand else { return nil }
    let type = operand.type.elementType
    return Fact(
      function.resultType(of: type), operand.type.dimensions,
      elements: operand.cheapElements?.map { function($0, type) })
  }

  /// Operands broadcast to each other. All functions but `power` want one element type.
  func binary(_ function: BinaryFunction, _ a: Fact?, _ b: Fact?) throws(GraphError) -> Fact? {
    guard let a, let b else { return nil }
    let type = a.type.elementType
    guard function == .power || type == b.type.elementType else {
      throw failure("its operands are of types \(type) and \(b.type.elementType)")
    }
    let dimensions: [Dimension]?
    if function == .parametricRelu {
      try checkBroadcast(b.type.dimensions, to: a.type.dimensions, "the slope")
      dimensions = a.type.dimensions
    } else {
      dimensions = try broadcast(a.type.dimensions, b.type.dimensions)
    }
    let result = ValueType(function.isPredicate ? .bool : type, dimensions)
    guard a.cheapElements != nil || b.cheapElements != nil, let shape = result.shape,
      let left = elements(of: a, broadcastTo: shape), let right = elements(of: b, broadcastTo: shape)
    else { return Fact(result) }
    return Fact(result, elements: zip(left, right).map { function($0, $1, type) })
  }

  func select() throws(GraphError) -> Fact? {
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

  func cast(to target: ElementType) -> Fact? {
    guard let operand = self[0] else { return nil }
    let source = operand.type.elementType
    return Fact(
      target, operand.type.dimensions,
      elements: operand.elements?.map { $0.cast(from: source, to: target) })
  }

  private func elements(of fact: Fact, broadcastTo shape: Shape) -> [Scalar]? {
    guard let own = fact.type.shape, let elements = fact.elementsOrUnknown else { return nil }
    return ModelGraph.broadcast(elements, from: own, to: shape)
  }
}
