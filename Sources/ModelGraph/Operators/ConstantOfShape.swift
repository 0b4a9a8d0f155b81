import Tensors

/// ONNX `ConstantOfShape`: every element is `value`.
package struct ConstantOfShape: Operator {
  package static let name = "constantofshape"
  package static let signature = Signature(.shape("shape"))
  package static let family = OperatorFamily.movement

  package var value: Tensor

  package static var coding: Coding<Self> { Coding(Self.init, \.value) }

  package var attributes: [PrintedAttribute] {
    [PrintedAttribute("value", value.printedElements ?? "\(value)")]
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.constantOfShape(value)] }

  package func keepsRows(_ rows: BatchRows) -> Bool { true }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(self, operands: operands, results: results)
      .with(.integers([1]))
  }
}

extension Op {
  package static func constantOfShape(value: Tensor) -> Op { Op(ConstantOfShape(value: value)) }
}

extension NodeTyping {
  fileprivate func constantOfShape(_ value: Tensor) throws(GraphError) -> Fact {
    try checkInteger(0, "sizes")
    guard value.shape.elementCount == 1 else {
      throw failure("its value has \(value.shape.elementCount) elements")
    }
    guard let sizes = try list(0) else { return Fact(value.elementType, nil) }
    for size in sizes.compactMap(\.integer) where size < 0 { throw failure("a size is \(size)") }
    let type = ValueType(value.elementType, sizes.map(\.dimension))
    guard let count = type.shape?.elementCount, count <= Inference.maximumElements,
      let element = value.scalars?.first
    else { return Fact(type) }
    return Fact(type, elements: [Scalar](repeating: element, count: count))
  }
}
