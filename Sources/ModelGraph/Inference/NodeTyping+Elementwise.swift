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

  func elements(of fact: Fact, broadcastTo shape: Shape) -> [Scalar]? {
    guard let own = fact.type.shape, let elements = fact.elementsOrUnknown else { return nil }
    return ModelGraph.broadcast(elements, from: own, to: shape)
  }
}
